package arch

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// nameless are names of packages that say nothing about what is in them.
var nameless = []string{"util", "utils", "common", "helper", "helpers", "misc", "shared", "system", "base"}

func TestPackageNames(t *testing.T) {
	for _, p := range allPackages(t) {
		if slices.Contains(nameless, p.Name) {
			t.Errorf("%s: the name %q does not say what the package is for", short(p.ImportPath), p.Name)
		}
	}
}

// minComment is long enough to say what a package does, in bytes.
const minComment = 60

func TestPackageComments(t *testing.T) {
	comment := make(map[string]string)
	for _, f := range sources(t) {
		comment[f.pkg] += f.ast.Doc.Text()
	}
	for _, p := range allPackages(t) {
		name := short(p.ImportPath)
		text, ok := comment[name]
		switch {
		case !ok: // only tests
		case len(text) < minComment:
			t.Errorf("%s: the package comment is missing or says nothing", name)
		case p.Name != "main" && !strings.HasPrefix(text, "Package "+p.Name+" "):
			t.Errorf("%s: the package comment does not begin with \"Package %s\"", name, p.Name)
		}
	}
}

// TestNothingIsCompiledAtStart finds regular expressions and templates that
// would be compiled at each start of the program.
func TestNothingIsCompiledAtStart(t *testing.T) {
	inProgram := make(map[string]bool)
	for _, p := range linked(t) {
		inProgram[short(p.ImportPath)] = true
	}
	for _, f := range sources(t) {
		if !inProgram[f.pkg] {
			continue
		}
		for _, d := range f.ast.Decls {
			decl, ok := d.(*ast.GenDecl)
			if !ok || decl.Tok != token.VAR {
				continue
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok && strings.HasPrefix(sel.Sel.Name, "Must") {
					t.Errorf("%s: %s runs at each start of the program", f.fset.Position(call.Pos()), sel.Sel.Name)
				}
				return true
			})
		}
	}
}
