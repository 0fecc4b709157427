package arch

import (
	"slices"
	"strings"
	"testing"
)

// rule says what a package, or all packages below a directory ("dir/..."), may
// import of this module. The first rule that fits a package is the one; its own
// tree is always open to it.
type rule struct {
	pkg   string
	allow []string
	why   string
}

// Dependencies point one way: commands → libcontainer, bundle → (plan → spec),
// (tape), leaves.
var rules = []rule{
	{"main", []string{"libcontainer/...", "bundle/importflags", "bundle/importer", "internal/..."}, "commands parse flags, call, and print"},
	{"cmd/gspawn-oci-seccomp", []string{"libcontainer/seccomp/..."}, "the one binary with cgo holds nothing but the compiler"},
	{"internal/...", nil, "the command line parser knows no containers"},

	{"libcontainer", []string{"libcontainer/..."}, "the runtime puts the leaves together; it knows neither commands nor bundles"},
	{"libcontainer/spec/...", []string{"libcontainer/rlimit"}, "depends on the OCI schema alone; limits are known by its names"},
	{"libcontainer/plan/...", []string{"libcontainer/spec", "libcontainer/caps", "libcontainer/rlimit", "libcontainer/annotation"},
		"pure: the schema's notations, and numbers by its names"},
	{"libcontainer/tape/...", nil, "assembles system calls and knows no containers"},
	{"libcontainer/lower/...", []string{"libcontainer/plan", "libcontainer/tape", "libcontainer/caps", "libcontainer/fault", "libcontainer/nspawn"},
		"plan to tape; nspawn defines the steps of boot mode; caps holds the kernel's layout of capability sets; fault marks the steps for tests that kill"},

	// Leaves: what stands here is the whole list of leaves that know another.
	{"libcontainer/state/...", append([]string{"libcontainer/cgroup"}, formats...),
		"state.json records where the container's cgroup is, in the form that cgroup defines"},
	{"libcontainer/nspawn/...", append([]string{"libcontainer/spec", "libcontainer/caps", "libcontainer/rlimit", "libcontainer/annotation"}, formats...),
		"boot mode reads configurations, boot profiles and .nspawn files name capabilities and limits; annotations turn boot mode on"},
	{"libcontainer/seccomp/...", append([]string{"libcontainer/companion"}, formats...), "the compiler is a program of its own"},
	{"libcontainer/...", formats, "a leaf owns one subject"},

	{"bundle", []string{"bundle/...", "libcontainer/spec/...", "libcontainer/nspawn/...", "libcontainer/caps", "libcontainer/rlimit", "libcontainer/annotation"},
		"writes configurations: the schema, boot profiles, and names of capabilities, limits and annotations; never the runtime"},
	{"bundle/gspawn-oci-import", []string{"bundle/importer", "bundle/importflags", "internal/cli"}, "the program that import becomes: command line and converter"},
	{"bundle/importer", []string{"bundle", "bundle/importflags", "libcontainer/nspawn/..."},
		"the command's work: from flags to the converter's options"},
	{"bundle/importflags", []string{"internal/cli"}, "flags alone, which the runtime's program links too"},
	{"bundle/image/...", []string{"bundle/archive", "bundle/stream"}, "an image lies in an archive, its blobs are streams"},
	{"bundle/imageconfig/...", []string{"bundle/image"}, "converts the configuration of an image"},
	{"bundle/staging/...", []string{"bundle/layer"}, "removes half-made trees by layer's descriptors"},
	{"bundle/...", nil, "a part of the converter owns one subject"},

	{"tests/...", []string{"libcontainer/...", "tests/..."}, "what tests share; the tests themselves see everything"},
}

// formats are not subjects but ways to write and read them, free to all leaves.
var formats = []string{"libcontainer/jsonout", "libcontainer/spec/jsonio", "libcontainer/fault"}

func within(pkg, pattern string) bool {
	dir, tree := strings.CutSuffix(pattern, "/...")
	return pkg == dir || tree && strings.HasPrefix(pkg, dir+"/")
}

func ruleOf(pkg string) *rule {
	for i := range rules {
		if within(pkg, rules[i].pkg) {
			return &rules[i]
		}
	}
	return nil
}

func (r *rule) allows(imported string) bool {
	own := strings.TrimSuffix(r.pkg, "/...")
	if strings.HasSuffix(r.pkg, "/...") && strings.Count(own, "/") > 0 && within(imported, own+"/...") {
		return true // its own tree; a directory that holds all packages is nobody's
	}
	return slices.ContainsFunc(r.allow, func(pattern string) bool { return within(imported, pattern) })
}

// sameLeaf tells two packages of one leaf apart from two leaves.
func sameLeaf(a, b string) bool {
	const depth = 2 // libcontainer/seccomp, bundle/image
	x, y := strings.SplitN(a, "/", depth+1), strings.SplitN(b, "/", depth+1)
	return len(x) >= depth && len(y) >= depth && x[0] == y[0] && x[1] == y[1]
}

func TestImports(t *testing.T) {
	for _, p := range allPackages(t) {
		name := short(p.ImportPath)
		r := ruleOf(name)
		if r == nil {
			t.Errorf("%s: no rule says what it may import; add one to tests/arch", name)
			continue
		}
		for _, imported := range p.imports() {
			if !r.allows(imported) && !sameLeaf(name, imported) {
				t.Errorf("%s imports %s, which the rule for %s does not allow: %s", name, imported, r.pkg, r.why)
			}
		}
	}
}

// TestRulesAreUsed finds rules and permissions that nothing needs any more.
func TestRulesAreUsed(t *testing.T) {
	users := map[string][]*pkg{}
	for _, p := range allPackages(t) {
		if r := ruleOf(short(p.ImportPath)); r != nil {
			users[r.pkg] = append(users[r.pkg], p)
		}
	}
	for _, r := range rules {
		if len(users[r.pkg]) == 0 {
			t.Errorf("the rule for %s is for no package", r.pkg)
		}
		for _, pattern := range r.allow {
			used := slices.ContainsFunc(users[r.pkg], func(p *pkg) bool {
				return slices.ContainsFunc(p.imports(), func(imported string) bool { return within(imported, pattern) })
			})
			if !used && !slices.Contains(formats, pattern) {
				t.Errorf("nothing of %s imports %s any more: take the permission out of the rules", r.pkg, pattern)
			}
		}
	}
}

// TestRules shows that the rules refuse what they are there to refuse.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		name, pkg, imported string
		allowed             bool
	}{
		{"the runtime knows no bundles", "libcontainer", "bundle", false},
		{"nor does a leaf", "libcontainer/state", "bundle/layer", false},
		{"a plan is pure", "libcontainer/plan", "libcontainer/tape", false},
		{"the runtime is nobody's leaf", "libcontainer/hooks", "libcontainer", false},
		{"leaves do not know each other", "libcontainer/hooks", "libcontainer/state", false},
		{"nor do the converter's parts", "bundle/layer", "bundle/image", false},
		{"the converter does not run containers", "bundle", "libcontainer", false},
		{"nothing imports the program", "libcontainer", "main", false},
		{"the program links no test", "main", "tests/fixtures", false},
		{"the program becomes another for import", "main", "bundle", false},
		{"commands call the runtime", "main", "libcontainer", true},
		{"the runtime lowers plans", "libcontainer", "libcontainer/lower", true},
		{"a leaf may have rooms", "libcontainer/seccomp", "libcontainer/seccomp/compile", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := ruleOf(c.pkg).allows(c.imported) || sameLeaf(c.pkg, c.imported); got != c.allowed {
				t.Errorf("%s may import %s: %v, want %v", c.pkg, c.imported, got, c.allowed)
			}
		})
	}
}

// heavy are packages whose initialisation, or size, every start of a container
// would pay for.
var heavy = []string{"net/http", "crypto/tls", "crypto/x509", "text/template", "html/template", "regexp", "testing", "C", "runtime/cgo"}

func TestProgramLinksNothingHeavy(t *testing.T) {
	for _, p := range linked(t) {
		if name := short(p.ImportPath); within(name, "bundle/...") && name != "bundle/importflags" {
			t.Errorf("the program links %s: the converter is a program of its own", name)
		}
		if slices.Contains(heavy, p.ImportPath) {
			t.Errorf("the program links %s, which costs time at each start; `go mod why` and `go list -deps` tell who wants it", p.ImportPath)
		}
	}
}

// linked are all packages that the main binary consists of.
func linked(t *testing.T) []*pkg {
	t.Helper()
	deps, err := list("0", "-deps", ".")
	if err != nil {
		t.Fatalf("go list -deps: %v", err)
	}
	return deps
}
