package libcontainer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/plan"
	"github.com/gspawn/gspawn-oci/libcontainer/tape"
)

// userNamespace makes a user namespace with these mappings and nobody in it.
func userNamespace(m *plan.MapIDs) (fd int, err error) {
	b := tape.New()
	b.Call(unix.SYS_PPOLL, tape.Const(0), tape.Const(0), tape.Const(0), tape.Const(0))
	program, err := b.Program()
	if err != nil {
		return -1, err
	}
	pid, err := startTape(program, nil, &syscall.SysProcAttr{
		Cloneflags: unix.CLONE_NEWUSER, UidMappings: sysMappings(m.UID), GidMappings: sysMappings(m.GID),
		Pdeathsig: syscall.SIGKILL,
	})
	if err != nil {
		return -1, err
	}
	defer func() {
		_ = unix.Kill(pid, unix.SIGKILL)
		reap(pid)
	}()
	return unix.Open("/proc/"+strconv.Itoa(pid)+"/ns/user", unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// writeMappings maps the IDs of the user namespace that process pid has made.
// Root writes the mappings itself, and so may a user who maps nobody but
// himself; for ranges of /etc/subuid there are newuidmap(1) and newgidmap(1).
func writeMappings(pid int, m *plan.MapIDs) error {
	proc := "/proc/" + strconv.Itoa(pid)
	if os.Geteuid() == 0 {
		if err := writeMap(proc+"/uid_map", m.UID); err != nil {
			return err
		}
		return writeMap(proc+"/gid_map", m.GID)
	}
	if onlySelf(m.UID, os.Geteuid()) {
		if err := writeMap(proc+"/uid_map", m.UID); err != nil {
			return err
		}
	} else if err := mapByHelper("newuidmap", pid, m.UID); err != nil {
		return err
	}
	if !onlySelf(m.GID, os.Getegid()) {
		return mapByHelper("newgidmap", pid, m.GID)
	}
	if err := writeFile(proc+"/setgroups", "deny"); err != nil {
		return err
	}
	return writeMap(proc+"/gid_map", m.GID)
}

// rootOf gives the host's ID of a user namespace's root by the uid_map or gid_map
// of a process in it, user_namespaces(7); -1 if it has none.
func rootOf(idMap []byte) int {
	for line := range strings.Lines(string(idMap)) {
		// The first ID inside, the same outside, how many.
		if f := strings.Fields(line); len(f) == 3 && f[0] == "0" {
			if id, err := strconv.Atoi(f[1]); err == nil {
				return id
			}
		}
	}
	return -1
}

func onlySelf(list []specs.LinuxIDMapping, id int) bool {
	return len(list) == 1 && list[0].Size == 1 && int(list[0].HostID) == id
}

func mapText(list []specs.LinuxIDMapping, sep string) string {
	var b []byte
	for _, m := range list {
		b = strconv.AppendUint(b, uint64(m.ContainerID), 10)
		b = append(b, ' ')
		b = strconv.AppendUint(b, uint64(m.HostID), 10)
		b = append(b, ' ')
		b = strconv.AppendUint(b, uint64(m.Size), 10)
		b = append(b, sep...)
	}
	return string(b)
}

func writeMap(path string, list []specs.LinuxIDMapping) error {
	return writeFile(path, mapText(list, "\n"))
}

// writeFile writes a file of procfs in one write(2), as most of them want it.
func writeFile(path, text string) error {
	fd, err := unix.Open(path, unix.O_WRONLY|unix.O_CLOEXEC, 0)
	if err == nil {
		_, err = unix.Write(fd, []byte(text))
		unix.Close(fd)
	}
	if err != nil {
		return fmt.Errorf("write %q to %s: %w", text, path, err)
	}
	return nil
}

// mapByHelper runs newuidmap(1) or newgidmap(1), found in $PATH.
func mapByHelper(helper string, pid int, list []specs.LinuxIDMapping) error {
	path, err := lookPath(helper)
	if err != nil {
		return fmt.Errorf("map a range of IDs without root: %w; install the package uidmap", err)
	}
	argv := []string{helper, strconv.Itoa(pid)}
	for _, m := range list {
		argv = append(argv, utoa(m.ContainerID), utoa(m.HostID), utoa(m.Size))
	}
	child, _, err := syscall.StartProcess(path, argv, &syscall.ProcAttr{Env: os.Environ(), Files: []uintptr{0, 2, 2}})
	if err != nil {
		return fmt.Errorf("run %s: %w", path, err)
	}
	if status := reap(child); status != 0 {
		return fmt.Errorf("%s refused the mapping %s (%s): are the ranges those of /etc/subuid and /etc/subgid?",
			helper, mapText(list, ""), statusText(status))
	}
	return nil
}

func utoa(v uint32) string { return strconv.FormatUint(uint64(v), 10) }

func lookPath(name string) (string, error) {
	for _, dir := range filepath.SplitList(os.Getenv("PATH")) {
		path := filepath.Join(dir, name)
		if filepath.IsAbs(path) && unix.Access(path, unix.X_OK) == nil {
			return path, nil
		}
	}
	return "", errors.New(name + " is not in $PATH")
}
