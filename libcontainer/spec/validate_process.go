package spec

import (
	"math"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/rlimit"
)

// process is the process object (config.md, Process).
func (v *validator) process(p *specs.Process) {
	v.commandLine(p)
	v.absolute("cwd", p.Cwd)
	v.environment("env", p.Env)
	if c := p.ConsoleSize; c != nil && (c.Height > math.MaxUint16 || c.Width > math.MaxUint16) {
		v.bad("consoleSize", "a terminal has at most 65535 rows and columns")
	}
	if m := p.User.Umask; m != nil && *m > 0o777 {
		v.bad("user.umask", strconv.FormatUint(uint64(*m), 10)+" is not from 0 to 511 (0777 in octal)")
	}
	v.rlimits("rlimits", p.Rlimits)
	v.text("apparmorProfile", p.ApparmorProfile)
	v.label("selinuxLabel", p.SelinuxLabel)
	if a := p.OOMScoreAdj; a != nil && (*a < -1000 || *a > 1000) {
		v.bad("oomScoreAdj", strconv.Itoa(*a)+" is not from -1000 to 1000")
	}
	if p.Scheduler != nil {
		v.scheduler("scheduler", p.Scheduler)
	}
	if p.IOPriority != nil {
		v.ioPriority("ioPriority", p.IOPriority)
	}
	if a := p.ExecCPUAffinity; a != nil {
		v.numberList("execCPUAffinity.initial", a.Initial)
		v.numberList("execCPUAffinity.final", a.Final)
	}
}

func (v *validator) commandLine(p *specs.Process) {
	if len(p.Args) == 0 {
		v.bad("args", "empty: there is nothing to run")
		return
	}
	// The words are those of execvp's failure: callers turn them into the exit status 127.
	if p.Args[0] == "" {
		v.bad("args[0]", "empty: executable file not found in $PATH")
	}
	v.texts("args", p.Args)
}

func (v *validator) environment(path string, env []string) {
	for i, e := range env {
		switch eq := strings.IndexByte(e, '='); {
		case eq < 0:
			v.bad(at(path, i), quote(e)+" has no '=': entries are NAME=VALUE")
		case eq == 0:
			v.bad(at(path, i), quote(e)+" has no name before the '='")
		case strings.IndexByte(e, 0) >= 0:
			v.text(at(path, i), e)
		}
	}
}

func (v *validator) rlimits(path string, limits []specs.POSIXRlimit) {
	for i, l := range limits {
		switch _, known := rlimit.Number(l.Type); {
		case !known:
			v.bad(at(path, i)+".type", quote(l.Type)+" is not a resource of Linux, like RLIMIT_NOFILE")
		case l.Soft > l.Hard:
			v.bad(at(path, i)+".soft", strconv.FormatUint(l.Soft, 10)+" is above the hard limit, "+strconv.FormatUint(l.Hard, 10))
		}
		for k := range limits[:i] {
			if limits[k].Type == l.Type {
				v.bad(at(path, i)+".type", quote(l.Type)+" is there twice, see "+v.prefix+at(path, k))
				break
			}
		}
	}
}
