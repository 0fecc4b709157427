package importer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/bundle"
	"github.com/gspawn/gspawn-oci/bundle/importflags"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/profile"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/settings"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/uidrange"
)

// machinesDir is where machined looks for trees.
const machinesDir = "/var/lib/machines"

// options makes what the library wants of the command line.
func (o *work) options(args []string) error {
	if err := o.positional(args); err != nil {
		return err
	}
	if o.Source == "-" {
		o.Stdin = os.Stdin
	}
	if o.f.IntoMachines {
		o.MachinesDir = machinesDir
	}
	o.Rootless = os.Geteuid() != 0 || partlyMapped()
	mode, err := nspawn.ParseMode(o.f.Boot)
	if err != nil {
		return fmt.Errorf("--boot: %w", err)
	}
	o.Spec.Boot = mode
	o.Spec.ForThisHost()
	for _, step := range []func() error{o.limits, o.resources, o.process, o.mounts, o.privileges, o.applySettings} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// limits reads the bounds for hostile images.
func (o *work) limits() error {
	o.MaxSize, o.MaxFiles, o.MaxRatio = bundle.DefaultMaxSize, bundle.DefaultMaxFiles, bundle.DefaultMaxRatio
	for _, l := range []struct {
		name, text string
		to         *int64
	}{{"max-size", o.f.MaxSize, &o.MaxSize}, {"max-files", o.f.MaxFiles, &o.MaxFiles}, {"max-ratio", o.f.MaxRatio, &o.MaxRatio}} {
		if l.text == "" {
			continue
		}
		n, err := importflags.ParseBytes(l.text)
		if err != nil || n < 0 {
			return fmt.Errorf("--%s %q: not a number", l.name, l.text)
		}
		*l.to = n
	}
	return nil
}

func (o *work) resources() (err error) {
	s := &o.Spec
	if o.Rootless && o.f.Memory+o.f.CPUs+o.f.Pids != "" {
		o.spoken = append(o.spoken, "--memory, --cpus and --pids are left out: an ordinary user's container has no control group to limit")
	}
	if o.f.Memory != "" {
		if s.Memory, err = importflags.ParseBytes(o.f.Memory); err != nil || s.Memory <= 0 {
			return fmt.Errorf("--memory %q: not an amount of memory", o.f.Memory)
		}
	}
	if o.f.CPUs != "" {
		if s.CPUs, err = strconv.ParseFloat(o.f.CPUs, 64); err != nil || s.CPUs < 0.01 || s.CPUs > 8192 {
			return fmt.Errorf("--cpus %q: not a number of processors", o.f.CPUs)
		}
	}
	if o.f.Pids != "" {
		if s.Pids, err = strconv.ParseInt(o.f.Pids, 10, 64); err != nil || s.Pids <= 0 {
			return fmt.Errorf("--pids %q: not a number of processes", o.f.Pids)
		}
	}
	return nil
}

func (o *work) process() error {
	s := &o.Spec
	for i, kv := range s.Env {
		name, _, hasValue := strings.Cut(kv, "=")
		if name == "" {
			return fmt.Errorf("--env %q: want NAME=VALUE", kv)
		}
		if !hasValue {
			s.Env[i] = kv + "=" + os.Getenv(kv)
		}
	}
	switch o.f.Network {
	case "", string(profile.Host), string(profile.Private), string(profile.Veth):
		s.Network = profile.Network(o.f.Network)
	default:
		return fmt.Errorf("--network %q: want host, private or veth", o.f.Network)
	}
	switch s.Volatile {
	case "", "no", "yes", "state", "overlay":
	default:
		return fmt.Errorf("--volatile %q: want yes, state, overlay or no", s.Volatile)
	}
	switch o.f.Volumes {
	case "", "keep":
	case "tmpfs":
		s.TmpfsVolumes = true
	default:
		return fmt.Errorf("--volumes %q: want keep or tmpfs", o.f.Volumes)
	}
	return nil
}

func (o *work) mounts() error {
	add := func(flag string, list []string, readOnly bool) error {
		for _, text := range list {
			text, err := absolute(text)
			if err != nil {
				return fmt.Errorf("--%s %q: %w", flag, text, err)
			}
			b, err := settings.ParseBind(text)
			if err != nil {
				return fmt.Errorf("--%s: %w", flag, err)
			}
			b.ReadOnly = readOnly
			m, err := b.Mount()
			if err != nil {
				return fmt.Errorf("--%s %q: %w", flag, text, err)
			}
			o.Spec.Mounts = append(o.Spec.Mounts, m)
		}
		return nil
	}
	if err := errors.Join(add("bind", o.f.Binds, false), add("bind-ro", o.f.BindsRO, true)); err != nil {
		return err
	}
	for _, text := range o.f.Tmpfs {
		t, err := settings.ParseTmpfs(text)
		if err != nil {
			return fmt.Errorf("--tmpfs: %w", err)
		}
		o.Spec.Mounts = append(o.Spec.Mounts, specs.Mount{Destination: t.Path, Type: "tmpfs", Source: "tmpfs",
			Options: append([]string{"nodev", "strictatime"}, t.Options...)})
	}
	return nil
}

func (o *work) privileges() error {
	s := &o.Spec
	for _, list := range []struct {
		flag   string
		values []string
		to     *uint64
	}{{"capability", o.f.Capability, &s.AddCapabilities}, {"drop-capability", o.f.DropCapability, &s.DropCapabilities}} {
		for _, v := range list.values {
			mask, err := settings.Capabilities(strings.ReplaceAll(v, ",", " "))
			if err != nil {
				return fmt.Errorf("--%s: %w", list.flag, err)
			}
			*list.to |= mask
		}
	}
	for _, v := range o.f.SystemCallFilter {
		s.FilterSystemCalls = true
		o.spoken = append(o.spoken, s.SystemCalls.Add(strings.ReplaceAll(v, ",", " "))...)
	}
	return nil
}

// applySettings puts a .nspawn file below the options of the command line. The file was named by the user, so it is trusted.
func (o *work) applySettings() error {
	if o.f.Settings == "" {
		return nil
	}
	raw, err := os.ReadFile(o.f.Settings)
	if err != nil {
		return fmt.Errorf("--settings: %w", err)
	}
	file, warnings := settings.Parse(string(raw))
	p := profile.Options{}
	dirs, more := file.Apply(&p)
	for _, w := range append(warnings, more...) {
		o.spoken = append(o.spoken, o.f.Settings+": "+w.String())
	}
	for _, d := range dirs {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("--settings: %w", err)
		}
	}
	o.underlay(file, &p)
	return nil
}

// underlayStart is underlay for what is to be started.
func (o *work) underlayStart(file *settings.Settings) {
	switch file.Start {
	case settings.StartBoot:
		o.Spec.Boot = nspawn.Yes
	case settings.StartPID1, settings.StartPID2:
		o.Spec.Boot = nspawn.No
		if len(o.Spec.Command) == 0 {
			o.Spec.Command = file.Parameters
		}
	}
}

// underlay fills in what the command line left open.
func (o *work) underlay(file *settings.Settings, p *profile.Options) {
	s := &o.Spec
	if s.Boot == nspawn.Unset {
		o.underlayStart(file)
	}
	if s.User == nil && file.User != "" {
		s.User = &file.User
	}
	if s.Network == "" && file.HasNetwork() {
		s.Network, s.NetworkOptions = p.Network, p.NetworkOptions
	}
	if s.Hostname == "" {
		s.Hostname = p.Hostname
	}
	if s.Volatile == "" {
		s.Volatile = p.Volatile
	}
	if o.f.PrivateUsers == "" && file.PrivateUsers != nil {
		o.fileUsers = file.PrivateUsers
	}
	s.ReadOnly = s.ReadOnly || p.ReadOnly
	s.Env = append(p.Env, s.Env...)
	s.Mounts = append(p.Mounts, s.Mounts...)
	s.Inaccessible = append(p.Inaccessible, s.Inaccessible...)
	s.AddCapabilities |= p.AddCapabilities
	s.DropCapabilities |= p.DropCapabilities
	s.AmbientCapabilities |= p.AmbientCapabilities
	s.NoNewPrivileges = s.NoNewPrivileges || p.NoNewPrivileges
	if file.Has("SystemCallFilter") {
		s.FilterSystemCalls = true
		s.SystemCalls.Allow = append(p.SystemCalls.Allow, s.SystemCalls.Allow...)
		s.SystemCalls.Deny = append(p.SystemCalls.Deny, s.SystemCalls.Deny...)
	}
	s.Ownership = p.Ownership
	p.NrOpen, p.HardLimits = s.More.NrOpen, s.More.HardLimits
	s.More = p
}

// users decides on the user namespace. A picked range is locked until the import has ended.
func (o *work) users() (*uidrange.Lock, error) {
	request := uidrange.Request{}
	if o.fileUsers != nil {
		request = *o.fileUsers
	}
	if o.f.PrivateUsers != "" {
		var err error
		if request, err = uidrange.Parse(o.f.PrivateUsers, false); err != nil {
			return nil, fmt.Errorf("--private-users: %w", err)
		}
	}
	if request.Mode != uidrange.Off && o.Rootless {
		return nil, errors.New("--private-users: only root can give a container a range of users")
	}
	set := func(base, count uint32) { o.Spec.PrivateUsers = &profile.UserRange{Base: base, Count: count} }
	owner := treeOwner(o.Source)
	switch request.Mode {
	case uidrange.Fixed:
		set(request.Base, request.Count)
	case uidrange.Identity:
		set(0, uidrange.Size)
	case uidrange.FromTree:
		set(owner&^(uidrange.Size-1), uidrange.Size)
	case uidrange.Picked:
		lock, err := new(uidrange.Picker).Pick(o.Spec.Machine, owner)
		if err != nil {
			return nil, fmt.Errorf("--private-users=pick: %w", err)
		}
		set(lock.Base, uidrange.Size)
		return lock, nil
	}
	return nil, nil
}

// treeOwner is who owns a directory that is imported, 0 for all else.
func treeOwner(path string) uint32 {
	var st syscall.Stat_t
	if syscall.Stat(path, &st) != nil || st.Mode&syscall.S_IFMT != syscall.S_IFDIR {
		return 0
	}
	return st.Uid
}

// partlyMapped says whether we are root of a user namespace only: the initial one maps all 2^32-1 ids to themselves.
func partlyMapped() bool {
	raw, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return false
	}
	f := strings.Fields(string(raw))
	return len(f) != 3 || f[0] != "0" || f[1] != "0" || f[2] != "4294967295"
}

// absolute makes the source of a bind independent of the working directory; one in the image ("+…") or an empty one stays.
func absolute(bind string) (string, error) {
	if bind == "" || bind[0] == '+' || bind[0] == ':' || filepath.IsAbs(bind) {
		return bind, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return bind, err
	}
	// The text is in systemd's form, where a colon ends the source.
	return strings.NewReplacer(`\`, `\\`, ":", `\:`).Replace(dir) + "/" + bind, nil
}
