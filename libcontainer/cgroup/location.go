package cgroup

import (
	"errors"
	"fmt"
	"path"
	"strings"
)

// Driver says who makes the cgroup directories.
type Driver string

const (
	// Cgroupfs makes directories itself.
	Cgroupfs Driver = "cgroupfs"
	// Systemd asks systemd for a transient scope (or slice) and lives in it.
	Systemd Driver = "systemd"
)

// defaultParent holds the containers whose configuration names no place.
const defaultParent = "gspawn-oci"

// Location is where a container's cgroup lies, before any hierarchy is looked at.
// It is a plain value: made by Resolve, kept in the container's state by Saved.
type Location struct {
	Driver Driver
	// Path is clean and absolute, counted from the root of every hierarchy.
	// Empty with the systemd driver, which derives it from the slice and the unit.
	Path string
	// Slice, Prefix and Name are the three parts of a systemd cgroupsPath.
	Slice  string
	Prefix string
	Name   string
	// Explicit is set when the configuration named the place. Without it, a rootless
	// container for which nothing is limited may run in no cgroup of its own.
	Explicit bool
	// Rootless is set when the caller is not the host's root: errors of permission are
	// then expected, and systemd means the user's instance.
	Rootless bool
}

// Resolve says where the cgroup of container id lies, from linux.cgroupsPath (which may be
// empty) and the driver that the command line chose. It looks at nothing on the machine.
//
// With cgroupfs the path is taken from the hierarchy's root, whether it begins with a slash
// or not, and ".." stops at that root. With systemd it has the form slice:prefix:name.
func Resolve(cgroupsPath, id string, systemd, rootless bool) (Location, error) {
	if id == "" {
		return Location{}, errors.New("resolve linux.cgroupsPath: the container has no id")
	}
	if strings.IndexByte(cgroupsPath, 0) >= 0 {
		return Location{}, fmt.Errorf("linux.cgroupsPath %q: contains a null byte", cgroupsPath)
	}
	if systemd {
		return resolveUnit(cgroupsPath, id, rootless)
	}
	loc := Location{Driver: Cgroupfs, Explicit: cgroupsPath != "", Rootless: rootless}
	if cgroupsPath == "" {
		loc.Path = path.Join("/", defaultParent, path.Clean("/"+id))
	} else {
		loc.Path = path.Clean("/" + cgroupsPath)
	}
	if loc.Path == "/" {
		return Location{}, fmt.Errorf("linux.cgroupsPath %q: is the root cgroup; name a cgroup below it", cgroupsPath)
	}
	return loc, nil
}

func resolveUnit(cgroupsPath, id string, rootless bool) (Location, error) {
	loc := Location{Driver: Systemd, Rootless: rootless, Explicit: cgroupsPath != ""}
	parts := []string{"", defaultParent, id}
	if cgroupsPath != "" {
		parts = strings.Split(cgroupsPath, ":")
		if len(parts) != 3 {
			return Location{}, fmt.Errorf("linux.cgroupsPath %q: expected the form \"slice:prefix:name\" with the systemd driver", cgroupsPath)
		}
	}
	loc.Slice, loc.Prefix, loc.Name = parts[0], parts[1], parts[2]
	if loc.Slice == "" {
		loc.Slice = "system.slice"
		if rootless {
			loc.Slice = "user.slice"
		}
	}
	if err := checkSlice(loc.Slice); err != nil {
		return Location{}, fmt.Errorf("linux.cgroupsPath %q: %w", cgroupsPath, err)
	}
	if loc.Name == "" || strings.Contains(loc.Prefix+loc.Name, "/") {
		return Location{}, fmt.Errorf("linux.cgroupsPath %q: %q is no unit name", cgroupsPath, loc.Unit())
	}
	return loc, nil
}

// checkSlice refuses what systemd would refuse: see systemd.slice(5).
func checkSlice(slice string) error {
	base, ok := strings.CutSuffix(slice, ".slice")
	bad := fmt.Errorf("%q is no slice name", slice)
	if !ok || base == "" || strings.Contains(base, "/") {
		return bad
	}
	if base == "-" {
		return nil
	}
	for part := range strings.SplitSeq(base, "-") {
		if part == "" {
			return bad
		}
	}
	return nil
}

// Unit is the systemd unit of the container, or empty with cgroupfs. A name that ends in
// .slice is the unit itself; any other becomes the scope prefix-name.scope.
func (l Location) Unit() string {
	if l.Driver != Systemd {
		return ""
	}
	if strings.HasSuffix(l.Name, ".slice") {
		return l.Name
	}
	return l.Prefix + "-" + l.Name + ".scope"
}

// String is for messages and for the plan's print.
func (l Location) String() string {
	if l.Driver == Systemd {
		return l.Slice + "/" + l.Unit()
	}
	return l.Path
}
