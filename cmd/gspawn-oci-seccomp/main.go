//go:build linux && cgo

// Command gspawn-oci-seccomp compiles a seccomp profile, the JSON of linux.seccomp
// of the OCI configuration, to a BPF program for seccomp(2), by libseccomp.
//
// It exists because cgo would tax every start of gspawn-oci, which runs this
// binary for a profile that it has not seen before. By itself it serves every
// program that takes a filter as bytes:
//
//	gspawn-oci-seccomp < profile.json > filter.bpf
//	bwrap --seccomp 9 9< filter.bpf …
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/gspawn/gspawn-oci/libcontainer/seccomp"
	"github.com/gspawn/gspawn-oci/libcontainer/seccomp/compile"
)

const usage = `usage: gspawn-oci-seccomp [option] < linux.seccomp JSON > BPF program
  --program   write flags and listener too, in the format gspawn-oci caches
  --verbose   tell on standard error which system calls libseccomp does not know
  --features  print what profiles may use, as JSON, and exit
  --version   print libseccomp's version and API level, and exit
  --help      print this, and exit
`

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gspawn-oci-seccomp:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	program, verbose := false, false
	for _, a := range args {
		switch a {
		case "--program":
			program = true
		case "--verbose":
			verbose = true
		case "--features":
			return features()
		case "--version":
			return version()
		case "--help", "-h":
			_, err := io.WriteString(os.Stdout, usage)
			return err
		default:
			return fmt.Errorf("unknown argument %q\n%s", a, strings.TrimSpace(usage))
		}
	}
	raw, err := io.ReadAll(os.Stdin)
	if err != nil {
		return fmt.Errorf("read the profile from standard input: %w", err)
	}
	r, err := compile.JSON(raw)
	if err != nil {
		return err
	}
	if verbose && len(r.Unknown) > 0 {
		fmt.Fprintln(os.Stderr, "gspawn-oci-seccomp: ignored, unknown to libseccomp:", strings.Join(r.Unknown, " "))
	}
	out := r.BPF
	if program {
		p := seccomp.FromResult(r)
		out = seccomp.Encode(&p)
	}
	if _, err := os.Stdout.Write(out); err != nil {
		return fmt.Errorf("write the program: %w", err)
	}
	return nil
}

func features() error {
	s, err := compile.Describe()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(s)
}

func version() error {
	s, err := compile.Describe()
	if err != nil {
		return err
	}
	_, err = fmt.Printf("gspawn-oci-seccomp\nlibseccomp: %s\nAPI level: %d\n", s.Version, s.API)
	return err
}
