package nspawn

import (
	"bytes"
	"errors"
	"io/fs"
	"strconv"
	"strings"
)

func containsText(raw []byte, text string) bool { return bytes.Contains(raw, []byte(text)) }

// libraryDirs are where a tree keeps libsystemd-shared-NNN.so; Debian's
// multiarch directories are below /usr/lib.
const libraryDirs = "/usr/lib/systemd /lib/systemd /usr/lib64/systemd /lib64/systemd " +
	"/usr/lib/x86_64-linux-gnu/systemd /usr/lib/aarch64-linux-gnu/systemd"

// SystemdVersion gives the version of a tree's systemd, from the name of its
// shared library as nspawn judges it; 0 when there is none. It is wanted only
// on cgroup v1 hosts, to pick the hierarchy that the payload can use.
func SystemdVersion(tree Tree) (int, error) {
	newest := 0
	for _, dir := range strings.Fields(libraryDirs) {
		names, err := tree.List(dir)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return 0, err
		}
		for _, name := range names {
			newest = max(newest, sharedVersion(name))
		}
	}
	return newest, nil
}

// sharedVersion reads libsystemd-shared-257.so, -257.13-1.so and -v257.so.
func sharedVersion(name string) int {
	rest, ok := strings.CutPrefix(name, "libsystemd-shared-")
	if !ok || !strings.HasSuffix(rest, ".so") {
		return 0
	}
	rest = strings.TrimPrefix(rest, "v")
	end := 0
	for end < len(rest) && rest[end] >= '0' && rest[end] <= '9' {
		end++
	}
	n, err := strconv.Atoi(rest[:end])
	if err != nil {
		return 0
	}
	return n
}

// MachineID gives the id in a tree's /etc/machine-id as 32 hex digits, "" when
// it has none: no file, an empty one, "uninitialized".
func MachineID(tree Tree) (string, error) {
	raw, err := tree.Read("/etc/machine-id", 64)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	id, ok := ParseID(strings.TrimRight(string(raw), "\n"))
	if !ok {
		return "", nil
	}
	return id, nil
}
