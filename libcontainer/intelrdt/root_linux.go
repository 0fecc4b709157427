package intelrdt

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// usual is where resctrl.rst tells everybody to mount it.
const usual = "/sys/fs/resctrl"

// Root finds the mounted resctrl file system: one statfs where it is on its usual place,
// mountinfo else. The error names the field that needs it.
func Root() (string, error) {
	var st unix.Statfs_t
	if unix.Statfs(usual, &st) == nil && st.Type == unix.RDTGROUP_SUPER_MAGIC {
		return usual, nil
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return "", fmt.Errorf("linux.intelRdt: %w", err)
	}
	defer f.Close()
	for sc := bufio.NewScanner(f); sc.Scan(); {
		// proc(5): the fifth field is the mount point; after " - " comes the type.
		mount, fs, _ := strings.Cut(sc.Text(), " - ")
		if fields := strings.Fields(mount); strings.HasPrefix(fs, "resctrl ") && len(fields) > 4 {
			return fields[4], nil
		}
	}
	return "", fmt.Errorf("linux.intelRdt: %w: no resctrl file system is mounted (mount -t resctrl resctrl %s, on a CPU that has it)", errors.ErrUnsupported, usual)
}
