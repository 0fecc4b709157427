package libcontainer

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/console"
	"github.com/gspawn/gspawn-oci/libcontainer/fault"
)

// announce tells the caller which process it is, the file last that engines wait
// for, and then lets the process go on.
func (l *launch) announce(end *consoleEnd, kind console.Process, pidFile string) error {
	if err := end.sendPidfd(kind, l); err != nil {
		return err
	}
	fault.At()
	if pidFile != "" {
		if err := writePidFile(pidFile, l.pid); err != nil {
			return err
		}
		l.pidFile = pidFile
		fault.At()
	}
	return l.reply()
}

// withdraw removes the file of a process that comes to nothing: whoever reads it
// would wait for, or kill, a stranger.
func (l *launch) withdraw() {
	if l.pidFile != "" {
		_ = os.Remove(l.pidFile)
		l.pidFile = ""
	}
}

// writePidFile writes the file in one move, so that a reader never sees half
// of it: engines wait for it to appear.
func writePidFile(path string, pid int) error {
	tmp := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".tmp")
	fd, err := unix.Open(tmp, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o666)
	if err == nil {
		_, err = unix.Write(fd, []byte(strconv.Itoa(pid)))
		unix.Close(fd)
		if err == nil {
			err = unix.Rename(tmp, path)
		}
		if err != nil {
			_ = unix.Unlink(tmp)
		}
	}
	if err != nil {
		return fmt.Errorf("write --pid-file %q: %w", path, err)
	}
	return nil
}
