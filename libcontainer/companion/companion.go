// Package companion finds the programs that are installed with this one and do
// the work that would cost each start of it.
//
// It never runs them, and takes no place from the environment. It imports the
// standard library only.
package companion

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// dirs are looked into after the directory of the running binary. No environment
// variable adds to them: what a companion answers may be the filter of every
// container, and engines hand on environments they did not write.
var dirs = []string{"../libexec/gspawn-oci", "/usr/libexec/gspawn-oci", "/usr/local/libexec/gspawn-oci"}

// Find returns the path of a program: beside the running binary, then in
// ../libexec/gspawn-oci from there, /usr/libexec/gspawn-oci and
// /usr/local/libexec/gspawn-oci.
func Find(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("find the directory of this binary: %w", err)
	}
	return find(name, filepath.Dir(self))
}

func find(name, beside string) (string, error) {
	tried := make([]string, 0, 1+len(dirs))
	for _, dir := range append([]string{beside}, dirs...) {
		if !filepath.IsAbs(dir) {
			dir = filepath.Join(beside, dir)
		}
		path := dir + "/" + name
		if st, err := os.Stat(path); err == nil && st.Mode().IsRegular() && st.Mode()&0o111 != 0 {
			return path, nil
		}
		tried = append(tried, dir)
	}
	// Not "no such file or directory": engines take that for a missing command of the container's.
	return "", fmt.Errorf("the program %s is not installed (looked in %s); install it there, or build gspawn-oci with CGO_ENABLED=1", name, strings.Join(tried, ", "))
}
