//go:build cgo

package main

import (
	"github.com/gspawn/gspawn-oci/bundle/importer"
	"github.com/gspawn/gspawn-oci/bundle/importflags"
)

// runImport does the work in this process: a build with cgo is slower to start anyway, and complete in one file.
func runImport(f *importflags.Flags) error { return importer.Run(f) }
