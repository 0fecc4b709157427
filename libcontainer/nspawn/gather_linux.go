package nspawn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/rlimit"
)

// Gather finds out what Adapt needs to know, of the host and of the tree. It is
// called for containers that boot only. The caller adds what it knows itself:
// Cgroup is a parameter, since it decides what is looked at; Term, Notify,
// Supervised and Credentials are left empty.
func Gather(tree Tree, decision Decision, id string, cgroup Hierarchy) (Facts, error) {
	f := Facts{ID: id, Init: decision.Init, Cgroup: cgroup}
	if decision.Init.Kind != Systemd {
		return f, nil
	}
	if raw, err := os.ReadFile("/etc/machine-id"); err == nil {
		f.HostMachineID, _ = ParseID(strings.TrimSpace(string(raw)))
	}
	for _, name := range [...]string{"/etc/os-release", "/usr/lib/os-release"} {
		if raw, err := os.ReadFile(name); err == nil {
			f.HostOSRelease, f.HostOS = name, HostOS(string(raw))
			break
		}
	}
	if raw, err := os.ReadFile("/proc/sys/fs/nr_open"); err == nil {
		f.NrOpen, _ = strconv.ParseUint(strings.TrimSpace(string(raw)), 10, 64)
	}
	f.MayRaise = holds(unix.CAP_SYS_RESOURCE)
	if !f.MayRaise {
		f.HardLimits = hardLimits()
	}
	var err error
	if f.BootID, err = randomUUID(); err != nil {
		return Facts{}, err
	}
	return f, f.ofTree(tree)
}

func (f *Facts) ofTree(tree Tree) error {
	_, _, err := tree.Resolve("/etc/machine-id")
	if f.NoMachineIDFile = errors.Is(err, fs.ErrNotExist); !f.NoMachineIDFile {
		if err != nil {
			return err
		}
		if f.TreeMachineID, err = MachineID(tree); err != nil {
			return err
		}
	}
	if f.Cgroup == Legacy || f.Cgroup == Hybrid {
		if f.SystemdVersion, err = SystemdVersion(tree); err != nil {
			return err
		}
	}
	return nil
}

// randomUUID makes a version 4 UUID, as the kernel's boot ids are.
func randomUUID() (string, error) {
	var b [16]byte
	if n, err := unix.Getrandom(b[:], 0); err != nil || n != len(b) {
		return "", fmt.Errorf("make a boot id: %w", err)
	}
	return UUID(version4(b)), nil
}

// holds says whether the process has a capability (capget(2)).
func holds(capability int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	return data[capability/32].Effective&(1<<(capability%32)) != 0
}

// hardLimits are the process's own, for the limits that Rlimits has.
func hardLimits() []specs.POSIXRlimit {
	list := Rlimits(0)
	for i := range list {
		var own unix.Rlimit
		number, ok := rlimit.Number(list[i].Type)
		if ok && unix.Prlimit(0, number, nil, &own) == nil {
			list[i].Soft, list[i].Hard = own.Cur, own.Max
		}
	}
	return list
}
