//go:build !cgo

package main

import (
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle/importflags"
	"github.com/gspawn/gspawn-oci/libcontainer/companion"
)

// runImport becomes the program that does the work. What it links (decompressors, hashes, their tables) would otherwise
// cost every start of the runtime; a build with cgo has it inside, so that one binary is complete.
func runImport(f *importflags.Flags) error {
	const helper = name + "-import"
	raw, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode the command line: %w", err)
	}
	path, err := companion.Find(helper)
	if err != nil {
		return err
	}
	err = unix.Exec(path, append([]string{helper, string(raw)}, f.Args...), os.Environ())
	return fmt.Errorf("run %s: %w", path, err)
}
