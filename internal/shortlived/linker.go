package main

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

var (
	//go:embed _link/order.go
	order string
	// usedFunctions are those that commands call, one a line, in the order of their first calls; `make order` writes it.
	//
	//go:embed order.txt
	usedFunctions string
)

func linkerSource(root string) string { return filepath.Join(root, "src/cmd/link/internal/ld") }

// buildLinker writes dir/link, made from the linker of the Go below root, which lays these functions together. The id says
// what it was made from.
func buildLinker(root, dir, functions string) (id string, err error) {
	source := linkerSource(root)
	files, err := edited(source, linkerEdits, map[string]string{
		"order.go": order,
		"used.go":  fmt.Sprintf("package ld\n\nconst usedFunctions = %q\n", functions),
	})
	if err != nil {
		return "", err
	}
	if err := writeOverlay(dir, source, files); err != nil {
		return "", err
	}
	build := exec.Command(filepath.Join(root, "bin/go"), "build", "-trimpath", "-buildvcs=false",
		"-overlay", filepath.Join(dir, "overlay.json"), "-o", filepath.Join(dir, "link"), "cmd/link")
	build.Dir = source
	// What the user set is for the program.
	build.Env = append(os.Environ(), "GOOS=", "GOARCH=", "GOFLAGS=", "GOEXPERIMENT=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("%v: %w\n%s", build, err, out)
	}
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, linkerEdits, order, functions)))[:16], nil
}

// toolScript is run with a tool and its arguments. The go command asks for the version to know whether a program is up to date.
const toolScript = `#!/bin/sh
case $1:$2 in
*/link:-V=full) echo "$("$@") ordered %s" ;;
*/link:*) shift && exec "${0%%/*}/linker/link" -randlayout=1 "$@" ;;
*) exec "$@" ;;
esac
`

// writeTool writes dir/tool. Without an id of the linker it runs Go's own.
func writeTool(dir, id string) error {
	text := "#!/bin/sh\nexec \"$@\"\n"
	if id != "" {
		text = fmt.Sprintf(toolScript, id)
	}
	return os.WriteFile(filepath.Join(dir, "tool"), []byte(text), 0o755)
}
