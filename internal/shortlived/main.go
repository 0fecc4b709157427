// Command shortlived prepares a build of a program that lives some milliseconds: an overlay of the Go runtime (see -overlay
// in `go help build`), with which it starts with less work and in less memory, and a linker that lays together what its
// commands use. Whoever builds without them gets the same program, slower.
//
//	shortlived GOROOT DIR
//
// writes DIR/overlay.json, made from the Go below GOROOT, the files that it names, and DIR/tool for -toolexec, which runs the
// linker DIR/linker/link. Where the Go is another than the one that the edits are for, it says so, and the overlay replaces
// nothing, or the tool is Go's own.
package main

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

//go:embed _runtime/populate.go
var populate string

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "shortlived:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return errors.New("the arguments are Go's root and the directory to write to")
	}
	root := args[0]
	dir, err := filepath.Abs(args[1])
	if err != nil {
		return err
	}
	files, err := edited(runtimeSource(root), runtimeEdits, map[string]string{"populate.go": populate})
	if err != nil {
		fmt.Fprintf(os.Stderr, "shortlived: the Go runtime stays as it is, and commands take a third longer: %v\n", err)
	}
	if err := writeOverlay(dir, runtimeSource(root), files); err != nil {
		return err
	}
	id, err := buildLinker(root, filepath.Join(dir, "linker"), usedFunctions)
	if err != nil {
		fmt.Fprintf(os.Stderr, "shortlived: the program is laid out as usual, and commands take more time and memory: %v\n", err)
	}
	return writeTool(dir, id)
}

func runtimeSource(root string) string { return filepath.Join(root, "src/runtime") }

// edited returns the contents of the files that take the place of others in a package's directory, and those that join them.
func edited(source string, edits []edit, added map[string]string) (map[string]string, error) {
	files := map[string]string{}
	for _, e := range edits {
		text, ok := files[e.file]
		if !ok {
			raw, err := os.ReadFile(filepath.Join(source, e.file))
			if err != nil {
				return nil, err
			}
			text = string(raw)
		}
		var err error
		if files[e.file], err = e.apply(text); err != nil {
			return nil, err
		}
	}
	for name, text := range added {
		files[name] = text
	}
	return files, nil
}

func (e *edit) apply(text string) (string, error) {
	start, end := 0, len(text)
	if e.function != "" {
		if start = strings.Index(text, "\n"+e.function); start < 0 {
			return "", fmt.Errorf("%s has no %q", e.file, e.function)
		}
		if n := strings.Index(text[start:], "\n}\n"); n >= 0 {
			end = start + n + 1
		}
	}
	body := text[start:end]
	if n := strings.Count(body, e.old); n != 1 {
		return "", fmt.Errorf("%s, %q: %q stands there %d times, not once", e.file, e.function, e.old, n)
	}
	return text[:start] + strings.Replace(body, e.old, e.new, 1) + text[end:], nil
}

// writeOverlay writes the files and the overlay that names them.
func writeOverlay(dir, source string, files map[string]string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	replace := map[string]string{}
	for name, text := range files {
		replace[filepath.Join(source, name)] = filepath.Join(dir, name)
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o644)
}
