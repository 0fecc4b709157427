package spec

import (
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/spec/jsonio"
)

// Validate finds what is wrong with the shape of s: what the specification forbids, and what Linux would refuse
// on every machine. The error is an Errors with every finding, in the order in which the document is usually
// written. A process may be absent: it is required by start, not by create (runtime.md). The seccomp profile is
// judged by who compiles it.
func Validate(s *specs.Spec) error {
	_, err := Check(s)
	return err
}

// Check is Validate, and gives the findings besides that do not keep a container from being run, as they do not with runc.
func Check(s *specs.Spec) (warned Errors, err error) {
	var v validator
	v.spec(s)
	return v.warned, v.result()
}

// ValidateProcess finds what is wrong with a process that exec shall start. Paths are those of the process
// object alone, like "cwd". Whether its ids are mapped depends on the container, and is not looked at.
func ValidateProcess(p *specs.Process) error {
	var v validator
	if p == nil {
		v.bad("process", "missing: there is nothing to run")
	} else {
		v.process(p)
	}
	return v.result()
}

// ValidateResources finds what is wrong with resources that update shall apply. Paths are those of the
// resources object alone, like "memory.limit".
func ValidateResources(r *specs.LinuxResources) error {
	var v validator
	if r != nil {
		v.resources(r)
	}
	return v.result()
}

// validator collects findings. Paths are built only when there is something to say: a good document, the usual
// one, costs comparisons and nothing else.
type validator struct {
	// prefix stands before the path of every finding: that of an object which may also be a document of its
	// own, with its dot.
	prefix        string
	found, warned Errors
}

func (v *validator) result() error {
	if len(v.found) == 0 {
		return nil
	}
	return v.found
}

func (v *validator) bad(path, problem string) {
	v.found = append(v.found, FieldError{Path: v.prefix + path, Problem: problem})
}

func (v *validator) warn(path, problem string) {
	v.warned = append(v.warned, FieldError{Path: v.prefix + path, Problem: problem})
}

// sortedSince sorts the findings from the given numbers on by path: they come from a map, which has no order.
func (v *validator) sortedSince(found, warned int) {
	byPath := func(a, b FieldError) int { return strings.Compare(a.Path, b.Path) }
	slices.SortStableFunc(v.found[found:], byPath)
	slices.SortStableFunc(v.warned[warned:], byPath)
}

// text reports a NUL byte: everything that becomes an argument of a system call would end there.
func (v *validator) text(path, value string) bool {
	if strings.IndexByte(value, 0) < 0 {
		return true
	}
	v.bad(path, "contains a NUL byte: "+quote(value))
	return false
}

// absolute reports a path that is empty or relative.
func (v *validator) absolute(path, value string) {
	switch {
	case value == "":
		v.bad(path, "empty: an absolute path is needed")
	case value[0] != '/':
		v.bad(path, quote(value)+" is not an absolute path")
	default:
		v.text(path, value)
	}
}

// paths are absolute paths.
func (v *validator) paths(path string, list []string) {
	for i, p := range list {
		if p == "" || p[0] != '/' || strings.IndexByte(p, 0) >= 0 {
			v.absolute(at(path, i), p)
		}
	}
}

// texts are strings without NUL.
func (v *validator) texts(path string, list []string) {
	for i, s := range list {
		if strings.IndexByte(s, 0) >= 0 {
			v.text(at(path, i), s)
		}
	}
}

// at is the path of an element of a list.
func at(list string, i int) string { return list + "[" + strconv.Itoa(i) + "]" }

// member is the path of a member whose name the document has chosen.
func member(object, name string) string { return string(jsonio.AppendField([]byte(object), name)) }

// quote shows a value of the document, cut to what a reader needs to find it.
func quote(s string) string {
	if len(s) > 80 {
		s = s[:80] + "…"
	}
	return strconv.Quote(s)
}
