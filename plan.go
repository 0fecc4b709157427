package main

import (
	"encoding/json"
	"io"
	"os"
	"strconv"

	"github.com/gspawn/gspawn-oci/internal/cli"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

func planCommand(g *globals) *cli.Command {
	var asJSON bool
	return &cli.Command{
		Name: "plan", Args: "[<bundle>]", Min: 0, Max: 1,
		Summary: "show what create and start would do, step by step, without doing it",
		Description: `Compiles config.json of the bundle (default: the working directory) for this machine and prints the steps in the order in
which they would be carried out. Nothing is changed and no privilege is needed. An error message of the other commands
names the step that failed.

Steps of the phase "prepare" are done from outside the container, those of "init" within it before it counts as
created, and those of "start" when start is called.`,
		Example: name + " plan /containers/web\n" + name + " --rootless true plan --json .",
		Flags: []cli.Flag{
			{Name: "json", Help: "print the plan as JSON", Var: &asJSON},
		},
		Run: func(args []string) (int, error) {
			bundle := "."
			if len(args) > 0 {
				bundle = args[0]
			}
			if err := absolute(&bundle); err != nil {
				return 0, err
			}
			p, err := g.runtime().Plan(bundle)
			if err != nil {
				return 0, err
			}
			if asJSON {
				return 0, writePlanJSON(os.Stdout, p)
			}
			return 0, writePlan(os.Stdout, p)
		},
	}
}

// writePlan prints a line a step, numbered as error messages number them.
func writePlan(w io.Writer, p *plan.Plan) error {
	var out []byte
	width := len(strconv.Itoa(len(p.Steps)))
	phase := plan.Phase(-1)
	for i, s := range p.Steps {
		if p.Phases[i] != phase {
			phase = p.Phases[i]
			out = append(out, phase.String()+":\n"...)
		}
		n := strconv.Itoa(i + 1)
		for range width - len(n) + 2 {
			out = append(out, ' ')
		}
		out = append(out, n+"  "+s.String()+"\n"...)
	}
	for _, text := range p.Warnings {
		out = append(out, "warning: "+text+"\n"...)
	}
	_, err := w.Write(out)
	return err
}

// planStep is one step in `plan --json`.
type planStep struct {
	Number int       `json:"number"`
	Phase  string    `json:"phase"`
	Kind   string    `json:"kind"`
	Text   string    `json:"text"`
	Detail plan.Step `json:"detail"`
}

func writePlanJSON(w io.Writer, p *plan.Plan) error {
	steps := make([]planStep, len(p.Steps))
	for i, s := range p.Steps {
		steps[i] = planStep{Number: i + 1, Phase: p.Phases[i].String(), Kind: s.Kind(), Text: s.String(), Detail: s}
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(struct {
		Steps    []planStep `json:"steps"`
		Warnings []string   `json:"warnings,omitempty"`
	}{steps, p.Warnings})
}
