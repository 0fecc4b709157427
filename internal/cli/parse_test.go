package cli

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

// sampleOptions is a table with a flag of each type.
type sampleOptions struct {
	on       bool
	maybe    *bool
	text     string
	n        int
	interval time.Duration
	list     []string
	even     string
}

func (o *sampleOptions) flags() []Flag {
	return []Flag{
		{Name: "on", Short: "o", Var: &o.on},
		{Name: "maybe", Var: &o.maybe},
		{Name: "text", Short: "t", Arg: "TEXT", Var: &o.text},
		{Name: "n", Arg: "N", Var: &o.n},
		{Name: "interval", Arg: "DURATION", Var: &o.interval},
		{Name: "list", Short: "l", Arg: "WORD", Var: &o.list},
		{Name: "even", Arg: "WORD", Var: func(s string) error {
			o.even = s
			if len(s)%2 != 0 {
				return errors.New("odd")
			}
			return nil
		}},
	}
}

func TestParse(t *testing.T) {
	yes, no := true, false
	for name, tt := range map[string]struct {
		args string
		stop bool
		rest string
		want sampleOptions
	}{
		"nothing":                  {},
		"one dash":                 {args: "-on -text a", want: sampleOptions{on: true, text: "a"}},
		"two dashes":               {args: "--on --text a", want: sampleOptions{on: true, text: "a"}},
		"short":                    {args: "-o -t a", want: sampleOptions{on: true, text: "a"}},
		"equals":                   {args: "--on=true --text=a=b -t=c", want: sampleOptions{on: true, text: "c"}},
		"empty value":              {args: "--text= x", rest: "x"},
		"value with a dash":        {args: "--text -on --", want: sampleOptions{text: "-on"}},
		"switched off":             {args: "-o --on=false"},
		"absent or not":            {args: "--maybe", want: sampleOptions{maybe: &yes}},
		"explicitly not":           {args: "--maybe=0", want: sampleOptions{maybe: &no}},
		"last one wins":            {args: "-n 1 -n 2", want: sampleOptions{n: 2}},
		"hexadecimal and negative": {args: "-n -0x10", want: sampleOptions{n: -16}},
		"duration":                 {args: "--interval 1m30s", want: sampleOptions{interval: 90 * time.Second}},
		"repeated":                 {args: "-l a --list b", want: sampleOptions{list: []string{"a", "b"}}},
		"function":                 {args: "--even ab", want: sampleOptions{even: "ab"}},
		"flags after arguments":    {args: "id -o x -t a", rest: "id x", want: sampleOptions{on: true, text: "a"}},
		"unknown after arguments":  {args: "id -9", rest: "id -9"},
		"stop at first":            {args: "-o id -t --help", stop: true, rest: "id -t --help", want: sampleOptions{on: true}},
		"two dashes end":           {args: "-o -- -t a", rest: "-t a", want: sampleOptions{on: true}},
		"two dashes later":         {args: "id -- --help", rest: "id --help"},
		"a dash is an argument":    {args: "-o -", rest: "-", want: sampleOptions{on: true}},
	} {
		t.Run(name, func(t *testing.T) {
			var got sampleOptions
			rest, err := Parse(got.flags(), strings.Fields(tt.args), tt.stop)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Join(rest, " ") != tt.rest {
				t.Errorf("positional %q, want %q", rest, tt.rest)
			}
			if got.on != tt.want.on || got.text != tt.want.text || got.n != tt.want.n || got.even != tt.want.even ||
				got.interval != tt.want.interval || !slices.Equal(got.list, tt.want.list) {
				t.Errorf("options %+v, want %+v", got, tt.want)
			}
			if (got.maybe == nil) != (tt.want.maybe == nil) || (got.maybe != nil && *got.maybe != *tt.want.maybe) {
				t.Errorf("maybe %v, want %v", got.maybe, tt.want.maybe)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	for args, want := range map[string]string{
		"--frob":                  "flag provided but not defined: -frob",
		"-on=x":                   `invalid boolean value "x" for -on: parse error`,
		"--maybe=x":               `invalid boolean value "x" for -maybe: parse error`,
		"-t":                      "flag needs an argument: -t",
		"-n x":                    `invalid value "x" for flag -n: parse error`,
		"-n 99999999999999999999": `invalid value "99999999999999999999" for flag -n: value out of range`,
		"--interval 5":            `invalid value "5" for flag -interval: parse error`,
		"--even a":                `invalid value "a" for flag -even: odd`,
		"---on":                   "bad flag syntax: ---on",
		"--=x":                    "bad flag syntax: --=x",
		"-h":                      ErrHelp.Error(),
		"id --help":               ErrHelp.Error(),
		"--on --help --frob":      ErrHelp.Error(),
		"-ot a":                   "flag provided but not defined: -ot", // no bundling, as in runc
	} {
		var o sampleOptions
		_, err := Parse(o.flags(), strings.Fields(args), false)
		if err == nil || err.Error() != want {
			t.Errorf("%s: error %v, want %s", args, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "-o x", "--text=a", "-", "--", "---", "-=", "id -9 --help", "-n 1 -l a -l b"} {
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, args string, stop bool) {
		var o sampleOptions
		words := strings.Split(args, " ")
		rest, err := Parse(o.flags(), words, stop)
		if err == nil && len(rest) > len(words) {
			t.Fatalf("%d arguments made of %d words", len(rest), len(words))
		}
	})
}

func TestCheckArgs(t *testing.T) {
	for name, tt := range map[string]struct {
		min, max, n int
		want        string
	}{
		"fits":     {1, 1, 1, ""},
		"no limit": {1, -1, 9, ""},
		"exactly":  {1, 1, 2, `app: "do" requires exactly 1 argument(s)`},
		"none":     {0, 0, 1, `app: "do" requires exactly 0 argument(s)`},
		"minimum":  {1, 2, 0, `app: "do" requires a minimum of 1 argument(s)`},
		"maximum":  {1, 2, 3, `app: "do" requires a maximum of 2 argument(s)`},
	} {
		err := (&Command{Name: "do", Min: tt.min, Max: tt.max}).CheckArgs("app", tt.n)
		if got := errorText(err); got != tt.want {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
