package lower

import (
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// manyFiles is the number of descriptors from which on the init raises its
// limit, which is 1024 by default and may be less. No usual container has as many.
const manyFiles = 200

// openFiles is about how many descriptors the init may have open at once: most
// are closed all together, once the container is made.
func (l *lowerer) openFiles() int {
	n := l.in.Inherited
	for _, s := range l.p.Steps {
		switch s := s.(type) {
		case plan.Mount:
			n += 2 + strings.Count(s.Destination, "/")
		case plan.MaskPath, plan.ReadonlyPath, plan.Cgroup1Mount:
			n += 2
		case plan.Directory, plan.Device:
			n++
		}
	}
	return n
}

// raiseFiles lets the init of a long plan open as many files as it may; the
// caller's limit is kept for the container.
func (l *lowerer) raiseFiles() {
	if l.openFiles() < manyFiles {
		return
	}
	l.files = l.b.Buffer(make([]byte, 16))
	raised := l.b.Buffer(make([]byte, 16))
	const soft, hard = 0, 8 // of struct rlimit64
	l.call(unix.SYS_PRLIMIT64, num(0), num(unix.RLIMIT_NOFILE), num(0), l.files.Addr())
	l.b.Set(raised.Cell(soft), l.files.Cell(hard).Value())
	l.b.Set(raised.Cell(hard), l.files.Cell(hard).Value())
	l.call(unix.SYS_PRLIMIT64, num(0), num(unix.RLIMIT_NOFILE), raised.Addr(), num(0))
}

// restoreFiles undoes raiseFiles, before limits of the configuration are set.
func (l *lowerer) restoreFiles() {
	if l.files.Size() > 0 {
		l.call(unix.SYS_PRLIMIT64, num(0), num(unix.RLIMIT_NOFILE), l.files.Addr(), num(0))
		l.files = tape.Buffer{}
	}
}
