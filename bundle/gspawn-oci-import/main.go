// Command gspawn-oci-import does the work of `gspawn-oci import`, and writes its templates for `gspawn-oci spec`, which
// both run it with the options as JSON in the first argument and their own arguments after it. It is a program of its
// own because what it links would cost every start of the runtime time.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/sirupsen/logrus"

	"github.com/gspawn/gspawn-oci/bundle/importer"
	"github.com/gspawn/gspawn-oci/bundle/importflags"
	"github.com/gspawn/gspawn-oci/internal/cli"
)

func main() {
	f, err := flags(os.Args[1:])
	if err == nil {
		err = importer.Run(f)
	}
	if err != nil {
		report(f, err)
		os.Exit(1)
	}
}

// flags reads the command line: one argument that is JSON, or for those who call the program themselves, import's own.
func flags(args []string) (*importflags.Flags, error) {
	f := new(importflags.Flags)
	if len(args) > 0 && strings.HasPrefix(args[0], "{") {
		f.Args = args[1:]
		return f, json.Unmarshal([]byte(args[0]), f)
	}
	rest, err := cli.Parse(f.Table(), args, false)
	if err == nil && len(rest) == 0 {
		err = errors.New("usage: gspawn-oci-import [options] <source> <bundle> [-- command [arguments...]]; see gspawn-oci import --help")
	}
	f.Args = rest
	return f, err
}

// report writes the error where gspawn-oci would have written it.
func report(f *importflags.Flags, err error) {
	if f.Log == "" {
		logrus.Error(err)
		return
	}
	file, oerr := os.OpenFile(f.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if oerr == nil {
		if f.LogFormat == "json" {
			logrus.SetFormatter(new(logrus.JSONFormatter))
		}
		logrus.SetOutput(file)
		logrus.Error(err)
	}
	fmt.Fprintln(os.Stderr, err)
}
