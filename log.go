package main

import (
	"bytes"
	"errors"
	"os"

	"github.com/sirupsen/logrus"

	"github.com/gspawn/gspawn-oci/internal/cli"
)

// heldLog keeps messages back until the call has ended. Engines share one log file among calls and read an error
// out of it; podman takes the whole file for one JSON object, so a failing call must write its error and nothing else.
// A call that succeeds writes what it held.
type heldLog struct{ bytes.Buffer }

// setupLog prepares logrus for messages of the library. The file is opened when there is something to write, as most
// calls write nothing.
func (g *globals) setupLog() error {
	switch g.logFormat {
	case "", "text":
	case "json":
		logrus.SetFormatter(new(logrus.JSONFormatter))
	default:
		format := g.logFormat
		g.logFormat = "text"
		return errors.New("invalid log-format: " + format + ": text or json")
	}
	if g.debug {
		logrus.SetLevel(logrus.DebugLevel)
	}
	if !g.logsToFile() {
		return nil
	}
	if err := absolute(&g.log); err != nil {
		return err
	}
	if g.debug {
		f, err := g.openLog()
		if err != nil {
			return err
		}
		logrus.SetOutput(f)
		return nil
	}
	logrus.SetOutput(new(heldLog))
	return nil
}

func (g *globals) logsToFile() bool { return g.log != "" && g.log != "/dev/stderr" }

func (g *globals) openLog() (*os.File, error) {
	return os.OpenFile(g.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
}

// flushLog writes what a successful call had to say. The call's work is done, so a failure only goes to standard error.
func (g *globals) flushLog() {
	if !g.logsToFile() || g.debug {
		return
	}
	held, ok := logrus.StandardLogger().Out.(*heldLog)
	if !ok || held.Len() == 0 {
		return
	}
	f, err := g.openLog()
	if err == nil {
		_, err = f.Write(held.Bytes())
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		warn("write log: " + err.Error())
	}
}

// fail reports err, the only place where errors are, and gives back the exit code. With --log the entry goes to the
// file and the bare message to standard error, as runc does.
func (g *globals) fail(status int, err error) int {
	if usage, ok := errors.AsType[*cli.UsageError](err); ok {
		usage.WriteUsage(os.Stderr, g.app())
	}
	if g.logsToFile() {
		warn(err.Error())
		if !g.debug {
			f, openErr := g.openLog()
			if openErr != nil {
				warn("write log: " + openErr.Error())
				return status
			}
			logrus.SetOutput(f)
		}
	}
	logrus.Error(err)
	return status
}

// warn prints a line on standard error.
func warn(line string) { _, _ = os.Stderr.WriteString(line + "\n") }
