package main

import (
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

//go:embed csrc/*.c
var csources embed.FS

// hosted are linked with a static C library, bare ones with none.
var (
	hosted = []string{"floor", "spawn"}
	bare   = []string{"true", "pause"}
)

// compile builds the C programs into work and makes the containers' root file system there; container, if not empty,
// is the program that becomes its /bin/true.
func compile(work, container string) error {
	cc := envOr("CC", "gcc")
	for _, name := range append(append([]string{}, hosted...), bare...) {
		text, err := csources.ReadFile("csrc/" + name + ".c")
		if err != nil {
			return err
		}
		source := filepath.Join(work, name+".c")
		if err := os.WriteFile(source, text, 0o644); err != nil {
			return err
		}
		args := []string{"-O2", "-static", "-o", filepath.Join(work, name)}
		if name == "true" || name == "pause" {
			args = append(args, "-nostdlib", "-ffreestanding")
		}
		if out, err := exec.Command(cc, append(args, source)...).CombinedOutput(); err != nil {
			return fmt.Errorf("compile %s.c with %s (install gcc and libc6-dev): %w\n%s", name, cc, err, out)
		}
	}
	if container == "" {
		container = filepath.Join(work, "true")
	}
	rootfs := filepath.Join(work, "rootfs")
	for _, d := range []string{"bin", "proc", "dev", "sys", "etc", "run"} {
		if err := os.MkdirAll(filepath.Join(rootfs, d), 0o755); err != nil {
			return err
		}
	}
	for to, from := range map[string]string{"true": container, "pause": filepath.Join(work, "pause")} {
		text, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(rootfs, "bin", to), text, 0o755); err != nil {
			return err
		}
	}
	return nil
}
