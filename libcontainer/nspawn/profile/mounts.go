package profile

import (
	"fmt"
	"sort"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
)

// mounts is nspawn's outer table, then its inner one, then the custom mounts
// by destination, so that they can lie on top of any of the others.
func mounts(o *Options) ([]specs.Mount, error) {
	list := []specs.Mount{
		nspawn.MountProc(), nspawn.MountTmp(), sys(o), nspawn.MountDev(), nspawn.MountShm(),
		nspawn.MountDevpts(), nspawn.MountRun(), nspawn.MountMqueue(), nspawn.MountCgroup(),
	}
	switch o.Volatile {
	case "", "no", "yes", "overlay":
		// yes and overlay replace the root, which the runtime does.
	case "state":
		list = append(list, VolatileVar())
	default:
		return nil, fmt.Errorf("volatile mode %q: want no, yes, state or overlay", o.Volatile)
	}
	custom := append([]specs.Mount(nil), o.Mounts...)
	sort.SliceStable(custom, func(i, j int) bool { return custom[i].Destination < custom[j].Destination })
	return append(list, custom...), nil
}

// VolatileVar is the /var of the volatile mode "state".
func VolatileVar() specs.Mount {
	return specs.Mount{Destination: "/var", Type: "tmpfs", Source: "tmpfs",
		Options: []string{"strictatime", "mode=0755", "size=25%", "nr_inodes=1m"}}
}

// sys is /sys. A user namespace that does not own the network namespace may not
// mount sysfs, and gets the host's, which is what the others would see too.
func sys(o *Options) specs.Mount {
	if o.PrivateUsers != nil && !o.privateNetwork() {
		return HostSys()
	}
	return nspawn.MountSys()
}

// HostSys is the /sys of a container in a user namespace and in the host's
// network.
func HostSys() specs.Mount {
	return specs.Mount{Destination: "/sys", Type: "bind", Source: "/sys",
		Options: []string{"rbind", "nosuid", "noexec", "nodev", "ro"}}
}

// maskedPaths has with a private network what nspawn's skeleton of /sys leaves
// out: the whole sysfs is mounted here, since a container inside can mount its
// own only where one is fully visible.
func maskedPaths(o *Options) []string {
	list := nspawn.MaskedPaths()
	if o.privateNetwork() {
		list = append(list, "/sys/firmware", "/sys/hypervisor", "/sys/module", "/sys/power")
	}
	return append(list, o.Inaccessible...)
}
