package bundle

import (
	"os"
	"runtime"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// mappable says why mounts of a directory's file system cannot map owners. The kernel is asked, with a mount that is
// attached nowhere; where that is not permitted there is no telling, and the runtime will.
func mappable(dir int) error {
	mount, err := unix.OpenTree(dir, "", unix.OPEN_TREE_CLONE|unix.OPEN_TREE_CLOEXEC|unix.AT_EMPTY_PATH)
	if err != nil {
		return nil // see above
	}
	defer unix.Close(mount)
	ns, err := someUserNamespace()
	if err != nil {
		return nil // see above
	}
	defer unix.Close(ns)
	return unix.MountSetattr(mount, "", unix.AT_EMPTY_PATH, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_IDMAP, Userns_fd: uint64(ns)})
}

// someUserNamespace gives one that nobody is in any more: that of a child which never got to run anything.
func someUserNamespace() (int, error) {
	runtime.LockOSThread() // a traced child belongs to a thread
	defer runtime.UnlockOSThread()
	ids := []syscall.SysProcIDMap{{HostID: 1, Size: 1}}
	p, err := os.StartProcess("/proc/self/exe", []string{"gspawn-oci-userns"}, &os.ProcAttr{Env: []string{}, Sys: &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER, UidMappings: ids, GidMappings: ids, Ptrace: true, Pdeathsig: syscall.SIGKILL}})
	if err != nil {
		return -1, err
	}
	defer func() {
		_ = p.Kill()
		_, _ = p.Wait()
	}()
	return unix.Open("/proc/"+strconv.Itoa(p.Pid)+"/ns/user", unix.O_RDONLY|unix.O_CLOEXEC, 0)
}
