package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// ErrHelp is returned when -h, -help or --help stands among the flags.
var ErrHelp = errors.New("help requested")

var errParse = errors.New("parse error")

func itoa(n int) string { return strconv.Itoa(n) }

// Parse sets the flags found in args and returns the positional arguments.
//
// One dash or two, -x=v or -x v, "--" ends the flags: what runc's users and engines rely on. With stopAtFirst nothing is
// parsed after the first positional argument. Without it known flags may follow (`delete ID --force`), while
// an unknown word with a dash is positional there, as in runc, so that `kill ID -9` complains of a signal.
func Parse(flags []Flag, args []string, stopAtFirst bool) (rest []string, err error) {
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if len(arg) < 2 || arg[0] != '-' {
			if stopAtFirst {
				return args[i:], nil
			}
			rest = append(rest, arg)
			continue
		}
		if arg == "--" {
			return append(rest, args[i+1:]...), nil
		}
		name, value, hasValue := cut(arg)
		f := find(flags, name)
		if f == nil {
			if err := unknown(name, arg, len(rest) > 0); err != nil {
				return nil, err
			}
			rest = append(rest, arg)
			continue
		}
		switch {
		case hasValue:
		case f.Arg == "":
			value = "true"
		case i+1 == len(args):
			return nil, errors.New("flag needs an argument: -" + name)
		default:
			i++
			value = args[i]
		}
		if err := set(f, value); err != nil {
			return nil, describe(f, name, value, err)
		}
	}
	return rest, nil
}

// unknown judges a word with a dash that is no flag of the table; nil lets it pass as a positional argument.
func unknown(name, arg string, afterPositional bool) error {
	switch {
	case name == "help" || name == "h":
		return ErrHelp
	case afterPositional:
		return nil
	case name == "" || name[0] == '-':
		return errors.New("bad flag syntax: " + arg)
	}
	return errors.New("flag provided but not defined: -" + name)
}

// cut divides "--name=value".
func cut(arg string) (name, value string, hasValue bool) {
	name = arg[1:]
	if name[0] == '-' {
		name = name[1:]
	}
	return strings.Cut(name, "=")
}

func find(flags []Flag, name string) *Flag {
	for i := range flags {
		if flags[i].Name == name || (flags[i].Short != "" && flags[i].Short == name) {
			return &flags[i]
		}
	}
	return nil
}

// describe words a bad value as the standard library's flag package does, which runc's callers have seen.
func describe(f *Flag, name, value string, err error) error {
	if f.Arg == "" {
		return errors.New("invalid boolean value " + strconv.Quote(value) + " for -" + name + ": " + err.Error())
	}
	return errors.New("invalid value " + strconv.Quote(value) + " for flag -" + name + ": " + err.Error())
}

func set(f *Flag, value string) error {
	switch v := f.Var.(type) {
	case *string:
		*v = value
	case *[]string:
		*v = append(*v, value)
	case *bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return errParse
		}
		*v = b
	case **bool:
		b, err := strconv.ParseBool(value)
		if err != nil {
			return errParse
		}
		*v = &b
	case *int:
		n, err := strconv.ParseInt(value, 0, strconv.IntSize)
		if errors.Is(err, strconv.ErrRange) {
			return errors.New("value out of range")
		}
		if err != nil {
			return errParse
		}
		*v = int(n)
	case *time.Duration:
		d, err := time.ParseDuration(value)
		if err != nil {
			return errParse
		}
		*v = d
	case func(string) error:
		return v(value)
	default:
		panic("cli: flag " + f.Name + " has no variable")
	}
	return nil
}
