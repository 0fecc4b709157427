// Command mkimage writes images for the benchmark: an OCI layout of tars as layers, compressed as told, or the same as an
// archive of docker save.
//
//	mkimage -compress gzip -oci DIR -save FILE LAYER.tar…
package main

import (
	"flag"
	"log"
	"os"

	"github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

func main() {
	compress := flag.String("compress", "", "gzip, zstd or nothing")
	oci := flag.String("oci", "", "write an OCI layout to this directory")
	save := flag.String("save", "", "write an archive as of docker save to this file")
	flag.Parse()
	i := &imagewriter.Image{Tags: []string{"bench:latest"}, Compress: []string{*compress}, Honest: true,
		Config: map[string]any{"Cmd": []string{"/bin/sh"}}}
	for _, name := range flag.Args() {
		raw, err := os.ReadFile(name)
		if err != nil {
			log.Fatal(err)
		}
		i.Layers = append(i.Layers, raw)
	}
	if *oci != "" {
		i.OCI().Write(*oci)
	}
	if *save != "" {
		if err := os.WriteFile(*save, i.DockerSave().Tar(), 0o644); err != nil {
			log.Fatal(err)
		}
	}
}
