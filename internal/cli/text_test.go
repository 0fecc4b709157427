package cli

import (
	"bytes"
	"strings"
	"testing"
)

// sample has what output must get right: hidden things, quotes, dashes, dots, a long flag.
func sample() *App {
	return &App{
		Name: "app-x", Summary: "does things", Version: "1.2\ncommit: abc", Description: "First.\n\n    indented -x\n\nLast.",
		Flags: []Flag{{Name: "root", Arg: "DIR", Help: "where", Default: "/run"}, {Name: "secret", Hidden: true}},
		Commands: func() []*Command {
			return []*Command{
				{Name: "go", Args: "<id>", Summary: "go it's [way]: out", TakesID: true, Example: ".hidden -x \\n", Flags: []Flag{
					{Name: "fast", Short: "f", Help: "don't wait"},
					{Name: "a-flag-with-a-very-long-name", Arg: "VALUE_TOO", Help: "long"},
					{Name: "old", Hidden: true},
				}},
				{Name: "ghost", Hidden: true, Summary: "unseen"},
			}
		},
	}
}

func TestHelp(t *testing.T) {
	var program, command bytes.Buffer
	if err := sample().Help(&program); err != nil {
		t.Fatal(err)
	}
	if err := sample().Commands()[0].Help(&command, "app-x"); err != nil {
		t.Fatal(err)
	}
	mustHave(t, program.String(), "   go       go it's [way]: out\n", "   --root DIR     where (default: /run)\n", "   First.\n\n       indented -x\n",
		"VERSION:\n   1.2\n   commit: abc\n\n")
	mustHave(t, command.String(), "   app-x go [command options] <id>\n", "   --fast, -f  don't wait\n",
		"   --a-flag-with-a-very-long-name VALUE_TOO\n               long\n")
	mustNotHave(t, program.String()+command.String(), "secret", "ghost", "old")
}

func TestComplete(t *testing.T) {
	for _, shell := range []string{"bash", "zsh", "fish"} {
		var b bytes.Buffer
		if err := sample().Complete(&b, shell); err != nil {
			t.Fatal(err)
		}
		mustHave(t, b.String(), "list -q", map[string]string{
			"bash": `app-x ${root:+--root "$root"} list`, "zsh": `app-x ${root:+--root=$root} list`, "fish": "app-x $root list",
		}[shell])
		mustNotHave(t, b.String(), "secret", "ghost", "--old")
	}
	if err := sample().Complete(new(bytes.Buffer), "sh"); err == nil || !strings.Contains(err.Error(), `unknown shell "sh"`) {
		t.Errorf("error %v", err)
	}
}

func TestManPage(t *testing.T) {
	app := sample()
	page := app.Commands()[0].ManPage(app)
	mustHave(t, app.ManPage(), ".TH APP\\-X 8 \"\" \"1.2\"\n", ".nf\n    indented \\-x\n.fi", ".BR app\\-x\\-go (8)")
	mustHave(t, page, ".TP\n\\fB\\-\\-fast\\fR, \\fB\\-f\\fR\nDon\\(aqt wait.\n", "\n\\&.hidden \\-x \\en\n")
	mustNotHave(t, app.ManPage()+page, "secret", "ghost", "commit")
}

func mustHave(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("%q is not in:\n%s", p, text)
		}
	}
}

func mustNotHave(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if strings.Contains(text, p) {
			t.Errorf("%q is in:\n%s", p, text)
		}
	}
}
