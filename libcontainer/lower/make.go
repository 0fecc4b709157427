package lower

import (
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// MakeProgram makes the tape of a process that enters the user namespace of the
// process behind a pidfd, and makes a directory, or an empty file, in another
// inherited descriptor as the root of that. It reports to descriptor 2.
func MakeProgram(pidfd, dir int, name string, directory bool) (*tape.Program, error) {
	l := &lowerer{b: tape.New()}
	l.hide()
	l.call(unix.SYS_SETNS, num(pidfd), num(unix.CLONE_NEWUSER))
	l.becomeRoot()
	l.call(unix.SYS_UMASK, num(0))
	if directory {
		l.call(unix.SYS_MKDIRAT, num(dir), l.str(name), num(0o755))
	} else {
		l.call(unix.SYS_MKNODAT, num(dir), l.str(name), num(unix.S_IFREG|0o644), num(0))
	}
	return l.b.Program()
}
