// Command shortlived writes an overlay of the Go runtime (see -overlay in `go help build`) for programs that live some
// milliseconds: it starts with less work, and in less memory. Whoever builds without it gets the same program, slower.
//
//	shortlived GOROOT DIR
//
// writes DIR/overlay.json and the files that it names, made from those of the Go below GOROOT. When its runtime is another than
// the one that the edits are for, it says so, and the overlay replaces nothing.
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
	source := filepath.Join(args[0], "src/runtime")
	files, err := edited(source)
	if err != nil {
		fmt.Fprintf(os.Stderr, "shortlived: the Go runtime stays as it is, and commands take a third longer: %v\n", err)
		files = nil
	}
	return write(args[1], source, files)
}

// edited returns the contents of the files that take the place of others in the directory of package runtime, or join them.
func edited(source string) (map[string]string, error) {
	files := map[string]string{"populate.go": populate}
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

// write writes the files and the overlay that names them.
func write(dir, source string, files map[string]string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
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
