package nspawn

import (
	"errors"
	"fmt"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// Mode says when a container is booted.
type Mode int

// The modes. Unset leaves the decision to the next source; Auto boots what is
// an init.
const (
	Unset Mode = iota
	Auto
	Yes
	No
)

func (m Mode) String() string {
	switch m {
	case Auto:
		return "auto"
	case Yes:
		return "yes"
	case No:
		return "no"
	default:
		return "unset"
	}
}

// ParseMode reads auto, yes or no; booleans in systemd's spelling count too,
// the empty string is Unset.
func ParseMode(s string) (Mode, error) {
	switch s {
	case "":
		return Unset, nil
	case "auto":
		return Auto, nil
	}
	on, err := ParseBool(s)
	switch {
	case err != nil:
		return Unset, fmt.Errorf("boot mode %q: want auto, yes or no", s)
	case on:
		return Yes, nil
	default:
		return No, nil
	}
}

// ParseBool reads a boolean as systemd does (systemd.syntax(7)).
func ParseBool(s string) (bool, error) {
	switch strings.ToLower(s) {
	case "1", "yes", "y", "true", "t", "on":
		return true, nil
	case "0", "no", "n", "false", "f", "off":
		return false, nil
	}
	return false, fmt.Errorf("%q is not a boolean: want yes or no", s)
}

// Sources are the places that may set the mode. The bundle's annotation beats
// them all.
type Sources struct {
	Flag   Mode // --boot-mode
	Config Mode // boot-mode of ConfigPath
}

// Decision is whether a container boots, and why.
type Decision struct {
	Boot bool
	Init Init
	// Reason is a sentence without a full stop for `gspawn-oci plan`.
	Reason string
}

// ErrNoInit is wrapped by Decide's error when boot mode is demanded of
// something that can't be booted.
var ErrNoInit = errors.New("boot mode needs an init")

// Decide says whether a bundle is booted. open gives the tree, and is called
// only when there is something to look for, so that an application costs
// nothing (before a decision to boot it always is); it may be nil when the tree
// can't be read (then nothing is booted in auto).
func Decide(spec *specs.Spec, from Sources, open func() (Tree, error)) (Decision, error) {
	mode, who, err := chosen(spec, from)
	if err != nil {
		return Decision{}, err
	}
	if mode == No {
		return Decision{Reason: who + " says no"}, nil
	}
	const sandbox = "sandbox"
	if spec.Annotations[annotation.Containerd] == sandbox || spec.Annotations[annotation.CRIO] == sandbox {
		// Whatever asks for boot mode means the pod's containers.
		return Decision{Reason: "it is the sandbox of a pod"}, nil
	}
	if why := unbootable(spec); why != "" {
		if mode == Yes {
			return Decision{}, fmt.Errorf("boot mode was asked for by %s, but %s", who, why)
		}
		return Decision{Reason: why}, nil
	}
	arg0 := spec.Process.Args[0]
	if mode == Auto && (open == nil || !MaybeInit(arg0)) {
		return Decision{Reason: fmt.Sprintf("process.args[0] %q is not an init", arg0)}, nil
	}
	found, err := detect(spec.Process, open)
	if err != nil {
		return Decision{}, err
	}
	if found.Kind != None {
		return Decision{Boot: true, Init: found, Reason: bootReason(mode, who, found)}, nil
	}
	if mode == Auto {
		return Decision{Init: found, Reason: "no init is started: " + found.Looked()}, nil
	}
	return demanded(who, arg0, found, open)
}

// demanded decides where boot mode was asked for and argv[0] is no init by
// itself: a wrapper that ends in the tree's init is as good.
func demanded(who, arg0 string, found Init, open func() (Tree, error)) (Decision, error) {
	if open == nil {
		return Decision{}, fmt.Errorf("%w, and the root file system cannot be read", ErrNoInit)
	}
	tree, err := open()
	if err != nil {
		return Decision{}, err
	}
	inside, err := Find(tree)
	if err != nil {
		return Decision{}, err
	}
	if inside.Kind == None {
		inside.Tried = append(found.Tried, inside.Tried...)
		return Decision{}, fmt.Errorf("%w (asked for by %s), and the tree has none: %s", ErrNoInit, who, inside.Looked())
	}
	return Decision{Boot: true, Init: inside, Reason: fmt.Sprintf("%s says yes; %q is taken to start the tree's %s (%s)",
		who, arg0, inside.Kind, inside.Path)}, nil
}

func detect(p *specs.Process, open func() (Tree, error)) (Init, error) {
	arg0 := p.Args[0]
	if open == nil || !MaybeInit(arg0) {
		return Init{Path: arg0, Tried: []Tried{{arg0, "is not the name of an init"}}}, nil
	}
	tree, err := open()
	if err != nil {
		return Init{}, err
	}
	search, ok := spec.Variable(p.Env, "PATH")
	if !ok {
		search = DefaultPath
	}
	return Detect(tree, arg0, search)
}

func bootReason(mode Mode, who string, found Init) string {
	what := found.Path + " is " + found.Kind.String()
	if found.File != found.Path {
		what = found.Path + " leads to " + found.File + ", which is " + found.Kind.String()
	}
	if mode == Yes {
		return who + " says yes; " + what
	}
	return what
}

// chosen gives the mode of the first source that sets one, and its name.
func chosen(spec *specs.Spec, from Sources) (Mode, string, error) {
	if value, ok := spec.Annotations[annotation.Boot]; ok {
		mode, err := ParseMode(value)
		if err != nil {
			return Unset, "", fmt.Errorf("annotations[%q]: %w", annotation.Boot, err)
		}
		if mode != Unset {
			return mode, "the annotation " + annotation.Boot, nil
		}
	}
	if from.Flag != Unset {
		return from.Flag, "--boot-mode", nil
	}
	if from.Config != Unset {
		return from.Config, ConfigPath, nil
	}
	return Auto, "the default", nil
}

// unbootable gives the reason why a bundle can't boot whatever its tree holds.
func unbootable(spec *specs.Spec) string {
	switch {
	case spec.Process == nil || len(spec.Process.Args) == 0:
		return "the bundle has no process"
	case spec.Linux == nil || !ownNamespace(spec, specs.PIDNamespace):
		return "the container has no pid namespace of its own, so its process is not PID 1"
	case spec.Process.User.UID != 0:
		return fmt.Sprintf("process.user.uid is %d, and an init must be root of its container", spec.Process.User.UID)
	}
	return ""
}

// ownNamespace says whether the container gets a new namespace of a type; one
// that it joins by path is somebody else's.
func ownNamespace(spec *specs.Spec, kind specs.LinuxNamespaceType) bool {
	i := namespaceIndex(spec, kind)
	return i >= 0 && spec.Linux.Namespaces[i].Path == ""
}

func namespaceIndex(spec *specs.Spec, kind specs.LinuxNamespaceType) int {
	if spec.Linux == nil {
		return -1
	}
	for i := range spec.Linux.Namespaces {
		if spec.Linux.Namespaces[i].Type == kind {
			return i
		}
	}
	return -1
}
