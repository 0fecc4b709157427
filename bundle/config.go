package bundle

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/bundle/image"
	"github.com/gspawn/gspawn-oci/bundle/imageconfig"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// makeSpec writes the configuration for the tree at dir.
func (w *work) makeSpec(dir string) (*specs.Spec, error) {
	tree, err := nspawn.OpenTree(dir)
	if err != nil {
		return nil, fmt.Errorf("open the root file system: %w", err)
	}
	defer tree.Close()
	c := &image.Config{}
	if w.img != nil {
		c = &w.img.Config
	}
	o := &w.o.Spec
	accounts := imageconfig.Accounts{Passwd: readAccounts(tree, "/etc/passwd"), Group: readAccounts(tree, "/etc/group")}
	args, env, cwd, user, notices, err := imageconfig.Process(c, accounts,
		imageconfig.Options{User: o.User, Command: o.Command, Env: o.Env})
	w.report.Notices = append(w.report.Notices, notices...)
	if err != nil {
		return nil, err
	}
	boot, init, err := decideBoot(tree, o, args, env)
	if err != nil {
		return nil, err
	}
	w.report.Boot, w.report.Init = boot, init.Path
	var s *specs.Spec
	if boot {
		s, err = w.bootSpec(c, init, args)
	} else {
		if len(args) == 0 {
			if args, err = shell(tree); err != nil {
				return nil, err
			}
		}
		s, err = w.appSpec(c, &specs.Process{Args: args, Env: env, Cwd: cwd, User: user, Terminal: o.Terminal})
	}
	if err != nil {
		return nil, err
	}
	w.annotate(s, c)
	return s, nil
}

func (w *work) annotate(s *specs.Spec, c *image.Config) {
	if w.img == nil {
		return
	}
	annotations, notices := imageconfig.Annotations(c)
	w.report.Notices = append(w.report.Notices, notices...)
	for k, v := range s.Annotations {
		annotations[k] = v // ours: boot mode knows better than the image how its init is stopped
	}
	s.Annotations = annotations
}

// maxAccounts bounds /etc/passwd and /etc/group. Larger ones exist, of directories with 100,000 users; no image has them.
const maxAccounts = 8 << 20

func readAccounts(tree *nspawn.RootTree, name string) []byte {
	raw, err := tree.Read(name, maxAccounts)
	if err != nil {
		return nil // no such file: names cannot be resolved, which only matters to those who give one
	}
	return raw
}

// decideBoot says whether the bundle boots, and which init.
func decideBoot(tree nspawn.Tree, o *SpecOptions, args, env []string) (bool, nspawn.Init, error) {
	if o.Boot == nspawn.No {
		return false, nspawn.Init{}, nil
	}
	if len(args) > 0 {
		init, err := nspawn.Detect(tree, args[0], pathOf(env))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return false, init, err
		}
		if init.Kind != nspawn.None {
			return true, init, nil
		}
		if o.Boot != nspawn.Yes || len(o.Command) > 0 {
			if o.Boot == nspawn.Yes {
				return false, init, fmt.Errorf("--boot=yes: %q is no init; looked at: %s", args[0], init.Looked())
			}
			return false, nspawn.Init{}, nil
		}
	}
	init, err := nspawn.Find(tree)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, init, err
	}
	if init.Kind != nspawn.None {
		return true, init, nil
	}
	if o.Boot == nspawn.Yes {
		return false, init, fmt.Errorf("--boot=yes: the tree has no init; looked for %s", init.Looked())
	}
	return false, nspawn.Init{}, nil
}

func pathOf(env []string) string {
	if p, ok := spec.Variable(env, "PATH"); ok {
		return p
	}
	return imageconfig.DefaultPath
}

// shell is the command of a tree that names none.
func shell(tree nspawn.Tree) ([]string, error) {
	for _, name := range []string{"/bin/sh", "/usr/bin/sh", "/bin/bash"} {
		if _, mode, err := tree.Resolve(name); err == nil && mode.IsRegular() && mode.Perm()&0o111 != 0 {
			return []string{name}, nil
		}
	}
	return nil, errors.New("the image names no command, and there is neither an init nor a shell in it: give a command after --")
}

// bootSpec is the configuration of a booted system: nspawn's.
func (w *work) bootSpec(c *image.Config, init nspawn.Init, args []string) (*specs.Spec, error) {
	o := &w.o.Spec
	if o.User != nil {
		return nil, errors.New("--user: an init runs as root")
	}
	p := profile.Options{
		Boot: true, Init: init, Rootfs: w.rootfs, Machine: o.Machine, Hostname: o.Hostname, Terminal: o.Terminal,
		Env: append(bootEnv(c.Config.Env), o.Env...), Arch: archOf(c),
		AddCapabilities: o.AddCapabilities, DropCapabilities: o.DropCapabilities, AmbientCapabilities: o.AmbientCapabilities,
		NoNewPrivileges: o.NoNewPrivileges, SystemCalls: o.SystemCalls,
		ReadOnly: o.ReadOnly, Volatile: o.Volatile, Mounts: o.Mounts, Inaccessible: o.Inaccessible,
		PrivateUsers: o.PrivateUsers, Ownership: o.Ownership, Network: o.Network, NetworkOptions: o.NetworkOptions,
		Memory: o.Memory, CPUs: o.CPUs, Pids: o.Pids,
	}
	if len(args) > 1 && (len(o.Command) > 0 || nspawn.MaybeInit(args[0])) {
		p.Args = args[1:]
	}
	if o.AllCapabilities != 0 {
		p.Available = o.AllCapabilities
	}
	if m := o.More; m != nil {
		p.Rlimits, p.NrOpen, p.HardLimits = m.Rlimits, m.NrOpen, m.HardLimits
		p.OOMScoreAdj, p.CPUAffinity, p.KillSignal = m.OOMScoreAdj, m.CPUAffinity, m.KillSignal
		p.Personality, p.MachineID, p.SuppressSync = m.Personality, m.MachineID, m.SuppressSync
		p.Credentials, p.Cwd, p.Fuse, p.Tun = m.Credentials, m.Cwd, m.Fuse, m.Tun
		if len(p.Args) == 0 {
			p.Args = m.Args
		}
	}
	if w.o.Rootless && p.Init.Kind == nspawn.Systemd {
		return nil, fmt.Errorf("%s is systemd, which an ordinary user's container cannot boot: it wants a control group of its own and "+
			"more than one user; import as root, or with --boot=no and a command", init.Path)
	}
	s, err := profile.Profile(p)
	if err == nil && w.o.Rootless {
		// The same changes as "spec --rootless" makes; an init is root, which is the one user that is mapped.
		spec.Rootless(s, uint32(os.Geteuid()), uint32(os.Getegid()))
		s.Process.Terminal = o.Terminal
	}
	return s, err
}

// bootEnv is the image's environment less what an init's must not have: its PATH is nspawn's.
func bootEnv(env []string) []string {
	var kept []string
	for _, kv := range env {
		name, _, ok := strings.Cut(kv, "=")
		if ok && name != "" && name != "PATH" && name != "container" && name != "container_uuid" && strings.IndexByte(kv, 0) < 0 {
			kept = append(kept, kv)
		}
	}
	return kept
}

func archOf(c *image.Config) string {
	if c.Architecture == "amd64" || c.Architecture == "arm64" {
		return c.Architecture
	}
	return runtime.GOARCH
}
