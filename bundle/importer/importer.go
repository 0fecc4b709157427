// Package importer does what `gspawn-oci import` was told: it makes the options of package bundle out of the command line's, shows
// progress, and stops in good order when it is interrupted.
//
// It must not be imported by what is linked into the runtime's own start path; see importflags.
package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle"
	"github.com/gspawn/gspawn-oci/bundle/importflags"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/uidrange"
)

// memory bounds what an import holds: 64 MiB less the program itself. The collector works harder near it.
const memory = 44 << 20

// work is one command line on its way to an import.
type work struct {
	bundle.Options
	f *importflags.Flags

	spoken    []string          // notices about the command line
	fileUsers *uidrange.Request // PrivateUsers= of --settings
}

// Run does an import, or writes a template of one. Progress and notices go to standard error, the result of --json to
// standard output.
func Run(f *importflags.Flags) error {
	if f.Template != "" {
		return writeTemplate(f.Template, f.TemplateDir)
	}
	o := &work{f: f}
	o.Ref, o.Platform, o.Copy, o.Force, o.NoSync = f.Ref, f.Platform, f.Copy, f.Force, f.NoSync
	s := &o.Spec
	s.Machine, s.Hostname, s.Volatile, s.ReadOnly, s.Terminal = f.Machine, f.Hostname, f.Volatile, f.ReadOnly, f.Terminal
	s.Env, s.User = f.Env, f.User
	if err := o.run(f.Args); err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

func (o *work) run(args []string) error {
	if err := o.options(args); err != nil {
		return err
	}
	users, err := o.users()
	if err != nil {
		return err
	}
	if users != nil {
		defer users.Close()
	}
	debug.SetMemoryLimit(memory)
	show := newImportDisplay(o)
	ctx, stop := interruptible()
	defer stop()
	report, err := bundle.Import(ctx, o.Options)
	show.end()
	if err != nil {
		return err
	}
	report.Notices = append(o.spoken, report.Notices...)
	if o.f.JSON {
		return json.NewEncoder(os.Stdout).Encode(report)
	}
	if !o.f.Quiet {
		show.result(report)
	}
	return nil
}

// interruptible ends the import in good order on the signals that ask for it: what was begun is removed.
func interruptible() (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, unix.SIGINT, unix.SIGTERM, unix.SIGHUP)
	go func() {
		if s, ok := <-signals; ok {
			cancel(errors.New("interrupted by " + s.String()))
		}
	}()
	return ctx, func() { signal.Stop(signals); close(signals); cancel(nil) }
}

// positional takes the arguments apart: source, bundle, command.
func (o *work) positional(args []string) error {
	o.Source = args[0]
	if len(args) == 1 {
		if !o.f.IntoMachines || o.Spec.Machine == "" {
			return errors.New("a destination is needed: import SOURCE BUNDLE")
		}
		return nil
	}
	if o.f.IntoMachines && !strings.Contains(args[1], "/") {
		if o.Spec.Machine == "" {
			o.Spec.Machine = args[1]
		}
	} else {
		o.Dest = args[1]
	}
	o.Spec.Command = args[2:]
	if len(args) > 2 && strings.HasPrefix(args[2], "-") {
		return errors.New(strconv.Quote(args[2]) + " is no option of import")
	}
	return nil
}
