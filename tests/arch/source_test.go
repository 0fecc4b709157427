package arch

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/gspawn/gspawn-oci"

// root is the top of the repository, as seen from this directory.
const root = "../.."

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath, Dir, Name string
	GoFiles, CgoFiles     []string
	Imports               []string
}

// short is the import path below the module; "main" for the program itself.
func short(path string) string {
	if path == module {
		return "main"
	}
	return strings.TrimPrefix(path, module+"/")
}

// imports are the packages of this module that p imports, shortened.
func (p *pkg) imports() []string {
	var own []string
	for _, i := range p.Imports {
		if strings.HasPrefix(i, module) {
			own = append(own, short(i))
		}
	}
	return own
}

var packages = sync.OnceValues(func() ([]*pkg, error) { return list("1", "./...") })

// list asks the go command, for Linux with cgo ("1") or without ("0"), and with
// what only tests link left out.
func list(cgo string, args ...string) ([]*pkg, error) {
	cmd := exec.Command("go", append([]string{"list", "-e", "-json=ImportPath,Dir,Name,GoFiles,CgoFiles,Imports"}, args...)...)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "CGO_ENABLED="+cgo)
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var found []*pkg
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		p := new(pkg)
		if err := dec.Decode(p); err == io.EOF {
			return found, nil
		} else if err != nil {
			return nil, err
		}
		found = append(found, p)
	}
}

func allPackages(t *testing.T) []*pkg {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatalf("go list ./...: %v", err)
	}
	if len(all) < 20 {
		t.Fatalf("go list ./... found %d packages, which cannot be all", len(all))
	}
	return all
}

// sourceFile is one parsed Go file, tests left out.
type sourceFile struct {
	name string // from the top of the repository
	pkg  string // import path below the module
	fset *token.FileSet
	ast  *ast.File
}

// sources parses all Go files of the module but the tests: every build tag,
// and the second binaries in modules of their own too.
func sources(t *testing.T) []sourceFile {
	t.Helper()
	var files []sourceFile
	fset := token.NewFileSet()
	for _, name := range goFiles(t) {
		parsed, err := parser.ParseFile(fset, filepath.Join(root, name), nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		dir := filepath.ToSlash(filepath.Dir(name))
		if dir == "." {
			dir = "main"
		}
		files = append(files, sourceFile{name, dir, fset, parsed})
	}
	return files
}

func goFiles(t *testing.T) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, path)
		switch {
		case d.IsDir() && (name == "bin" || name == "results" || d.Name() == "testdata" || len(name) > 1 && strings.HasPrefix(d.Name(), ".")):
			return filepath.SkipDir
		case !d.IsDir() && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
			names = append(names, name)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
