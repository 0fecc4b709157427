package libcontainer

import (
	"slices"
	"strconv"
	"syscall"

	"github.com/gspawn/gspawn-oci/libcontainer/state"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// startTape starts a process that runs a tape and is no container's init, with
// these descriptors from 0 on. It gets others that this process was given to pass
// on, which a tape that executes something has to close.
func startTape(p *tape.Program, files []uintptr, sys *syscall.SysProcAttr) (pid int, err error) {
	highest := slices.Max(append([]uintptr{2}, files...))
	image, err := tape.Memfd(p.Image, state.InitName, int(highest)+len(files)+2)
	if err != nil {
		return 0, err
	}
	defer image.Close()
	pid, _, err = syscall.StartProcess("/proc/self/fd/"+strconv.Itoa(int(image.Fd())), []string{state.InitName},
		&syscall.ProcAttr{Env: []string{}, Files: files, Sys: sys})
	return pid, err
}
