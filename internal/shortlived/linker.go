package main

import (
	"crypto/sha256"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
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
	if err := compileLinker(root, dir); err != nil {
		return "", err
	}
	return fmt.Sprintf("%x", sha256.Sum256(fmt.Append(nil, linkerEdits, order, functions)))[:16], nil
}

// compileLinker writes dir/link when it is whole, for the go command does not compile again what is cut off.
func compileLinker(root, dir string) error {
	link, part := filepath.Join(dir, "link"), filepath.Join(dir, "link.part")
	if os.Rename(link, part) != nil {
		_ = os.Remove(part) // an interrupted build left it
	}
	build := exec.Command(filepath.Join(root, "bin/go"), "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", part, "cmd/link")
	// Not in the linker's module: where root/src is a link, as Debian has it, its directory would have another name than the
	// overlay has for it.
	build.Dir = "/"
	// What the user set is for the program; what is empty would come from `go env -w`.
	build.Env = append(os.Environ(), "GOOS="+runtime.GOOS, "GOARCH="+runtime.GOARCH, "GOFLAGS=-trimpath -buildvcs=false",
		"GOEXPERIMENT=", "GOWORK=off", "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", build, err, out)
	}
	return os.Rename(part, link)
}

// toolScript is run with a tool and its arguments. The go command asks for the version to know whether a program is up to date,
// and takes the last word of it where Go is a development version.
const toolScript = `#!/bin/sh
case $1:$2 in
*/link:-V=full) echo "$("$@")-ordered-%s" ;;
*/link:*) shift && exec "${0%%/*}/linker/link" "$@" ;;
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
