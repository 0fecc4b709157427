package cli

import (
	"errors"
	"io"
	"strings"
)

// Complete writes a completion script for shell, one of bash, zsh and fish.
func (a *App) Complete(w io.Writer, shell string) error {
	var b strings.Builder
	switch shell {
	case "bash":
		a.bash(&b)
	case "zsh":
		a.zsh(&b)
	case "fish":
		a.fish(&b)
	default:
		return errors.New(`unknown shell "` + shell + `": one of bash, zsh, fish`)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// words lists the flags as typed; only those that take a value when valued is true.
func words(flags []Flag, valued bool) string {
	var out []string
	for i := range flags {
		f := &flags[i]
		if f.Hidden || (valued && f.Arg == "") {
			continue
		}
		out = append(out, "--"+f.Name)
		if f.Short != "" {
			out = append(out, "-"+f.Short)
		}
	}
	return strings.Join(out, " ")
}

// alternatives makes a pattern of a case statement of words, that of the empty word when there is none.
func alternatives(words string) string {
	if words == "" {
		return "''"
	}
	return strings.ReplaceAll(words, " ", "|")
}

func (a *App) bash(b *strings.Builder) {
	fn := "_" + strings.ReplaceAll(a.Name, "-", "_")
	names := make([]string, 0, 32)
	for _, c := range a.Shown() {
		names = append(names, c.Name)
	}
	b.WriteString("# bash completion for " + a.Name + "; made by `" + a.Name + " completion bash`\n" +
		fn + "() {\n" +
		"    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= root= i\n" +
		"    COMPREPLY=()\n" +
		"    for ((i = 1; i < COMP_CWORD; i++)); do\n" +
		"        case ${COMP_WORDS[i]} in\n" +
		"        --root) root=${COMP_WORDS[i+1]} ;;&\n" +
		"        " + alternatives(words(a.Flags, true)) + ") ((i++)) ;;\n" +
		"        -*) ;;\n" +
		"        *) cmd=${COMP_WORDS[i]}; break ;;\n" +
		"        esac\n    done\n" +
		"    if [[ -z $cmd ]]; then\n" +
		"        case $prev in " + alternatives(words(a.Flags, true)) + ") COMPREPLY=($(compgen -f -- \"$cur\")); return ;; esac\n" +
		"        COMPREPLY=($(compgen -W \"" + words(a.Flags, false) + " --help --version " + strings.Join(names, " ") +
		" help\" -- \"$cur\"))\n        return\n    fi\n" +
		"    local flags= valued= ids=\n" +
		"    case $cmd in\n")
	for _, c := range a.Shown() {
		b.WriteString("    " + c.Name + ") flags=\"" + strings.TrimSpace(words(c.Flags, false)+" --help") + "\"" +
			" valued=\"" + words(c.Flags, true) + "\"")
		if c.TakesID {
			b.WriteString(" ids=1")
		}
		b.WriteString(" ;;\n")
	}
	b.WriteString("    help) flags=\"" + strings.Join(names, " ") + "\" ;;\n    esac\n" +
		"    if [[ \" $valued \" == *\" $prev \"* ]]; then\n" +
		"        COMPREPLY=($(compgen -f -- \"$cur\"))\n" +
		"    elif [[ $cur == -* || $cmd == help ]]; then\n" +
		"        COMPREPLY=($(compgen -W \"$flags\" -- \"$cur\"))\n" +
		"    elif [[ $ids ]]; then\n" +
		"        COMPREPLY=($(compgen -W \"$(" + a.Name + " ${root:+--root \"$root\"} list -q 2>/dev/null)\" -- \"$cur\"))\n" +
		"    else\n        COMPREPLY=($(compgen -f -- \"$cur\"))\n    fi\n}\n" +
		"complete -o filenames -F " + fn + " " + a.Name + "\n")
}

// zshQuote protects text inside a single-quoted _arguments spec.
func zshQuote(s string) string {
	return strings.NewReplacer("'", `'\''`, "[", `\[`, "]", `\]`, ":", `\:`).Replace(s)
}

func zshFlags(b *strings.Builder, flags []Flag, pad string) {
	for i := range flags {
		f := &flags[i]
		if f.Hidden {
			continue
		}
		spec := "[" + zshQuote(f.Help) + "]"
		if f.Arg != "" {
			spec += ":" + zshQuote(f.Arg) + ":_files"
		}
		names := []string{"--" + f.Name}
		if f.Short != "" {
			names = append(names, "-"+f.Short)
		}
		for _, n := range names {
			b.WriteString(pad + "'" + n + spec + "' \\\n")
		}
	}
	b.WriteString(pad + "'--help[show help]' \\\n")
}

func (a *App) zsh(b *strings.Builder) {
	fn := "_" + strings.ReplaceAll(a.Name, "-", "_")
	b.WriteString("#compdef " + a.Name + "\n# zsh completion; made by `" + a.Name + " completion zsh`\n" +
		fn + "_ids() { local -a ids; ids=(${(f)\"$(" + a.Name + " ${root:+--root=$root} list -q 2>/dev/null)\"}); _describe container ids }\n" +
		fn + "() {\n    local context state line root\n    local -A opt_args\n    _arguments -C \\\n")
	zshFlags(b, a.Flags, "        ")
	b.WriteString("        '1:command:->command' '*::argument:->argument'\n    case $state in\n    command)\n" +
		"        local -a commands\n        commands=(\n")
	for _, c := range a.Shown() {
		b.WriteString("            '" + c.Name + ":" + zshQuote(c.Summary) + "'\n")
	}
	b.WriteString("        )\n        _describe command commands ;;\n    argument)\n        root=${(Q)opt_args[--root]}\n        case $words[1] in\n")
	for _, c := range a.Shown() {
		b.WriteString("        " + c.Name + ") _arguments \\\n")
		zshFlags(b, c.Flags, "            ")
		what := "_files"
		if c.TakesID {
			what = fn + "_ids"
		}
		b.WriteString("            '*:argument:" + what + "' ;;\n")
	}
	b.WriteString("        esac ;;\n    esac\n}\n" + fn + " \"$@\"\n")
}

func (a *App) fish(b *strings.Builder) {
	quote := func(s string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(s) + "'"
	}
	line := func(cond string, f *Flag) {
		b.WriteString("complete -c " + a.Name + " -n " + cond + " -l " + f.Name)
		if f.Short != "" {
			b.WriteString(" -s " + f.Short)
		}
		if f.Arg != "" {
			b.WriteString(" -r")
		}
		b.WriteString(" -d " + quote(f.Help) + "\n")
	}
	ids := "__" + strings.ReplaceAll(a.Name, "-", "_") + "_ids"
	b.WriteString("# fish completion for " + a.Name + "; made by `" + a.Name + " completion fish`\n" +
		"function " + ids + "\n    set -l root\n    set -l words (commandline -opc)\n    for i in (seq (count $words))\n" +
		"        switch $words[$i]\n        case '--root=*'\n            set root $words[$i]\n" +
		"        case --root\n            set root --root=$words[(math $i + 1)]\n        end\n    end\n    " +
		a.Name + " $root list -q 2>/dev/null\nend\n")
	for i := range a.Flags {
		if !a.Flags[i].Hidden {
			line("__fish_use_subcommand", &a.Flags[i])
		}
	}
	for _, c := range a.Shown() {
		b.WriteString("complete -c " + a.Name + " -n __fish_use_subcommand -f -a " + c.Name + " -d " + quote(c.Summary) + "\n")
		cond := quote("__fish_seen_subcommand_from " + c.Name)
		if c.TakesID {
			b.WriteString("complete -c " + a.Name + " -n " + cond + " -f -a '(" + ids + ")'\n")
		}
		for i := range c.Flags {
			if !c.Flags[i].Hidden {
				line(cond, &c.Flags[i])
			}
		}
	}
}
