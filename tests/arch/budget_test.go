package arch

import (
	"go/ast"
	"go/token"
	"strings"
	"testing"
)

// The budgets: what is longer is more than one subject, and gets divided.
const (
	maxFileLines     = 500
	maxFunctionLines = 80
	maxBranches      = 15 // cyclomatic complexity
)

// overBudget are files and functions that may be over the budget, each with
// the reason. A name that is within the budget must not stand here.
var overBudget = map[string]string{}

// exempt are long lists, not long thoughts.
func exempt(f *sourceFile) bool {
	return strings.HasSuffix(f.name, "_table.go") || ast.IsGenerated(f.ast)
}

func TestBudgets(t *testing.T) {
	seen := make(map[string]bool)
	over := func(name, format string, args ...any) {
		seen[name] = true
		if overBudget[name] == "" {
			t.Errorf(name+": "+format, args...)
		}
	}
	for _, f := range sources(t) {
		if exempt(&f) {
			continue
		}
		if n := f.fset.File(f.ast.FileStart).LineCount(); n > maxFileLines {
			over(f.name, "%d lines, the limit is %d", n, maxFileLines)
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Body == nil {
				continue
			}
			name := f.name + ":" + fn.Name.Name
			if n := lines(&f, fn); n > maxFunctionLines {
				over(name, "%d lines, the limit is %d", n, maxFunctionLines)
			}
			if n := branches(fn); n > maxBranches {
				over(name, "cyclomatic complexity %d, the limit is %d", n, maxBranches)
			}
		}
	}
	for name := range overBudget {
		if !seen[name] {
			t.Errorf("%s is within the budget: take it out of the list of exceptions", name)
		}
	}
}

func lines(f *sourceFile, fn *ast.FuncDecl) int {
	return f.fset.Position(fn.End()).Line - f.fset.Position(fn.Pos()).Line + 1
}

// branches is the cyclomatic complexity, function literals counted as part of
// the function that they stand in.
func branches(fn *ast.FuncDecl) int {
	n := 1
	ast.Inspect(fn.Body, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.IfStmt, *ast.ForStmt, *ast.RangeStmt:
			n++
		case *ast.CaseClause:
			if node.List != nil {
				n++
			}
		case *ast.CommClause:
			if node.Comm != nil {
				n++
			}
		case *ast.BinaryExpr:
			if node.Op == token.LAND || node.Op == token.LOR {
				n++
			}
		}
		return true
	})
	return n
}
