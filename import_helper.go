//go:build !cgo

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle/importflags"
)

// runImport becomes the program that does the work. What it links (decompressors, hashes, their tables) would otherwise
// cost every start of the runtime; a build with cgo has it inside, so that one binary is complete.
func runImport(f *importflags.Flags) error {
	const helper = name + "-import"
	raw, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode the command line: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find %s: %w", helper, err)
	}
	dir := filepath.Dir(self)
	for _, path := range []string{filepath.Join(dir, helper), filepath.Join(dir, "../libexec", name, helper), "/usr/libexec/" + name + "/" + helper} {
		err = unix.Exec(path, append([]string{helper, string(raw)}, f.Args...), os.Environ())
		if !errors.Is(err, unix.ENOENT) && !errors.Is(err, unix.ENOTDIR) {
			return fmt.Errorf("run %s: %w", path, err)
		}
	}
	return fmt.Errorf("what this does is the work of the program %s, which is neither beside %s nor in its libexec directory", helper, self)
}
