package plan

import (
	"path"
	"strconv"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
)

// HostPropagation sets the propagation of the whole mount tree that the init
// process was given, so that what follows is seen by nobody outside.
type HostPropagation struct {
	Propagation
}

// Kind implements Step.
func (HostPropagation) Kind() string { return "set-host-propagation" }

func (s HostPropagation) String() string {
	return "make all mounts of the new mount namespace " + Propagation{Flag: s.Flag, Recursive: true}.String()
}

// AttachRoot clones the root file system's tree of mounts and puts it on top
// of /, where pivot_root(2) finds it. A container without a mount namespace
// has it on top of its own path, in the runtime's namespace, until it is
// deleted.
type AttachRoot struct {
	Path      string
	ByRuntime bool
	InPlace   bool
	// OnPath puts it on top of its own path, in the container's namespace,
	// where createContainer hooks look for it and mount things into it.
	OnPath bool
	// Volatile is nspawn's mode of forgetting changes: VolatileYes,
	// VolatileOverlay or "". The runtime makes such a root.
	Volatile string
	// Mapped says that the owners of the tree's files are mapped to the
	// container's users by the mount, MOUNT_ATTR_IDMAP.
	Mapped bool
}

// The volatile modes that replace the root file system.
const (
	VolatileYes     = "yes"
	VolatileOverlay = "overlay"
)

// Kind implements Step.
func (AttachRoot) Kind() string { return "attach-root" }

func (s AttachRoot) String() string {
	text := "attach the root file system " + strconv.Quote(s.Path)
	if s.InPlace {
		text += " in the runtime's mount namespace"
	}
	if s.OnPath {
		text += " on its own path, for the createContainer hooks"
	}
	if s.Mapped {
		text += ", its owners mapped to the container's users"
	}
	switch s.Volatile {
	case VolatileYes:
		text += ", of which an empty tmpfs shows /usr alone, read-only: what is written is forgotten (" + annotation.Volatile + ")"
	case VolatileOverlay:
		text += " under an overlay in a tmpfs: what is written is forgotten (" + annotation.Volatile + ")"
	}
	return text
}

// PivotRoot makes the root file system the root of the mount namespace and
// lets go of the host's.
type PivotRoot struct {
	// Move says that the tree is moved over / instead, since pivot_root(2)
	// cannot leave an initramfs (--no-pivot).
	Move bool
}

// Kind implements Step.
func (PivotRoot) Kind() string { return "pivot-root" }

func (s PivotRoot) String() string {
	if s.Move {
		return "move the root file system over / and change into it"
	}
	return "change to the new root and detach the host's mounts"
}

// Chroot changes the root directory alone: the container shares the mount
// namespace.
type Chroot struct {
	Path string
}

// Kind implements Step.
func (Chroot) Kind() string { return "chroot" }

func (s Chroot) String() string { return "change the root directory to " + strconv.Quote(s.Path) }

// RootAttributes sets the root mount's propagation or makes it read-only.
type RootAttributes struct {
	Propagation Propagation
	Readonly    bool
}

// Kind implements Step.
func (RootAttributes) Kind() string { return "set-root-attributes" }

func (s RootAttributes) String() string {
	if s.Readonly {
		return "make / read-only"
	}
	return "make / " + s.Propagation.String()
}

// MaskPath hides a path: a file under /dev/null, a directory under an empty
// read-only file system. A path that is absent is passed over.
type MaskPath struct {
	Path string
}

// Kind implements Step.
func (MaskPath) Kind() string { return "mask-path" }

func (s MaskPath) String() string { return "mask " + strconv.Quote(s.Path) }

// ReadonlyPath makes a path read-only. A path that is absent is passed over.
type ReadonlyPath struct {
	Path string
}

// Kind implements Step.
func (ReadonlyPath) Kind() string { return "make-path-readonly" }

func (s ReadonlyPath) String() string { return "make " + strconv.Quote(s.Path) + " read-only" }

// Directory makes a directory, with all above it, where there is none.
type Directory struct {
	Path string
}

// Kind implements Step.
func (Directory) Kind() string { return "make-directory" }

func (s Directory) String() string { return "make the directory " + strconv.Quote(s.Path) }

func (c *compiler) rootfs() error {
	root := c.spec.Root.Path
	if !path.IsAbs(root) {
		root = path.Join(c.opts.Bundle, root)
	}
	inPlace := !c.p.Namespaces.Has(CloneMount)
	host := Propagation{PropSlave, true}
	if p, ok := ParsePropagation(c.spec.Linux.RootfsPropagation); ok {
		host = p
	}
	if !inPlace {
		first := host
		if first.Flag == PropUnbindable {
			// The root file system itself is still to be cloned.
			first.Flag = PropPrivate
		}
		c.p.add(Init, HostPropagation{first})
	}
	attach, err := c.attachRoot(root, inPlace)
	if err != nil {
		return err
	}
	c.p.add(Init, attach)
	for i := range c.spec.Mounts {
		if err := c.mount(i, &c.spec.Mounts[i]); err != nil {
			return err
		}
	}
	if err := c.devices(); err != nil {
		return err
	}
	c.sysctls()
	c.console()
	c.bootSteps()
	c.hooks(Init, HooksCreate)
	c.paths()
	c.workingDirectory()
	for _, m := range c.filled {
		c.p.add(Init, m)
	}
	if inPlace {
		c.p.add(Init, Chroot{root})
	} else {
		c.p.add(Init, PivotRoot{Move: c.opts.NoPivot})
	}
	// A volatile root is written to instead of the tree, which root.readonly
	// protects under runtimes that do not know the annotation.
	if c.spec.Root.Readonly && attach.Volatile == "" {
		c.p.add(Init, RootAttributes{Readonly: true})
	}
	if c.spec.Linux.RootfsPropagation != "" {
		c.p.add(Init, RootAttributes{Propagation: host})
	}
	c.bootLast()
	return nil
}

func (c *compiler) workingDirectory() {
	if p := c.spec.Process; p != nil && p.Cwd != "/" {
		c.p.add(Init, Directory{CleanDestination(p.Cwd)})
	}
}

func (c *compiler) paths() {
	for _, p := range c.spec.Linux.ReadonlyPaths {
		c.p.add(Init, ReadonlyPath{CleanDestination(p)})
	}
	for _, p := range c.spec.Linux.MaskedPaths {
		c.p.add(Init, MaskPath{CleanDestination(p)})
	}
}

func (c *compiler) attachRoot(root string, inPlace bool) (AttachRoot, error) {
	s := AttachRoot{Path: root, ByRuntime: c.sourcesByRuntime(), InPlace: inPlace}
	s.OnPath = !inPlace && c.spec.Hooks != nil && len(c.spec.Hooks.CreateContainer) > 0
	if len(c.spec.Annotations) == 0 {
		return s, nil
	}
	switch mode := c.spec.Annotations[annotation.Volatile]; mode {
	case "", "no", "state": // state is a tmpfs among the mounts
	case VolatileYes, VolatileOverlay:
		s.Volatile = mode
	default:
		return s, fieldError("annotations["+annotation.Volatile+"]", "want yes, state, overlay or no, not "+strconv.Quote(mode))
	}
	s.Mapped = c.spec.Annotations[annotation.Ownership] == "map"
	field := annotation.Volatile
	if s.Mapped {
		field = annotation.Ownership
		if !c.p.Namespaces.Has(CloneUser) {
			return s, fieldError("annotations["+field+"]", "there is no user namespace to map the owners to")
		}
	}
	if s.Volatile == "" && !s.Mapped {
		return s, nil
	}
	s.ByRuntime = true
	if inPlace || !c.facts.Privileged {
		return s, fieldError("annotations["+field+"]", "the root file system can only be replaced by root and in a new mount namespace")
	}
	return s, nil
}

// sourcesByRuntime tells whether the runtime opens the sources of bind mounts:
// in a user namespace the init process may lack the right to walk to them.
// A runtime without privileges cannot, and does not need to.
func (c *compiler) sourcesByRuntime() bool {
	return c.facts.Privileged && c.p.Namespaces.Has(CloneUser)
}

// HooksPhase names a group of hooks of the specification.
type HooksPhase string

// The groups of hooks that run while the init process waits.
const (
	// HooksCreate are prestart and createRuntime, run by the runtime in
	// its own namespaces, then createContainer, in the container's.
	HooksCreate HooksPhase = "create"
	// HooksStart is startContainer.
	HooksStart HooksPhase = "start"
)

// RunHooks lets the runtime run hooks and waits for them.
type RunHooks struct {
	Phase HooksPhase
	Hooks []string // "prestart /usr/bin/setup", for the reader
}

// Kind implements Step.
func (s RunHooks) Kind() string { return "run-" + string(s.Phase) + "-hooks" }

func (s RunHooks) String() string {
	text := "run hooks:"
	for _, h := range s.Hooks {
		text += " " + h + ";"
	}
	return text[:len(text)-1]
}

func (c *compiler) hooks(phase Phase, group HooksPhase) {
	h := c.spec.Hooks
	if h == nil {
		return
	}
	var names []string
	add := func(kind string, list []specs.Hook) {
		for _, hook := range list {
			names = append(names, kind+" "+strconv.Quote(hook.Path))
		}
	}
	if group == HooksStart {
		add("startContainer", h.StartContainer)
	} else {
		add("prestart", h.Prestart) //nolint:staticcheck // deprecated, and what docker uses
		add("createRuntime", h.CreateRuntime)
		add("createContainer", h.CreateContainer)
	}
	if len(names) > 0 {
		c.p.add(phase, RunHooks{group, names})
	}
}
