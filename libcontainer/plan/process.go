package plan

import (
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/caps"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// NewSession makes the process the leader of a session of its own, setsid(2).
type NewSession struct{}

// Kind implements Step.
func (NewSession) Kind() string { return "new-session" }

func (NewSession) String() string { return "start a new session" }

// Keyring gives the container a session keyring of its own, keyrings(7). A
// kernel without keyrings is passed over.
type Keyring struct {
	Name  string
	Label string // SELinux label of the keyring, or ""
}

// Kind implements Step.
func (Keyring) Kind() string { return "new-keyring" }

func (s Keyring) String() string { return "join the new session keyring " + strconv.Quote(s.Name) }

// Personality sets the execution domain, personality(2).
type Personality struct {
	Domain specs.LinuxPersonalityDomain
}

// Kind implements Step.
func (Personality) Kind() string { return "set-personality" }

func (s Personality) String() string { return "set the personality to " + string(s.Domain) }

// Value is the number that personality(2) takes.
func (s Personality) Value() uint64 {
	if s.Domain == specs.PerLinux32 {
		return 0x0008
	}
	return 0
}

// MemoryPolicy sets the NUMA memory policy, set_mempolicy(2).
type MemoryPolicy struct {
	Mode  uint64   // MPOL_* with MPOL_F_*
	Nodes []uint64 // bit mask
	Text  string
}

// Kind implements Step.
func (MemoryPolicy) Kind() string { return "set-memory-policy" }

func (s MemoryPolicy) String() string { return "set the memory policy " + s.Text }

// DropBounding drops capabilities from the bounding set, capabilities(7).
type DropBounding struct {
	Keep uint64
}

// Kind implements Step.
func (DropBounding) Kind() string { return "drop-bounding-set" }

func (s DropBounding) String() string { return "limit capabilities to " + capText(s.Keep) }

// SetUser changes to the container's user, setgroups(2) and setresuid(2);
// capabilities are kept for the steps that are left.
type SetUser struct {
	UID, GID uint32
	Groups   []uint32
	// NoGroups says that setgroups(2) is denied in the user namespace.
	NoGroups bool
	Umask    *uint32
	// Terminal and what else is stdio then belongs to that user.
	ChownStdio bool
}

// Kind implements Step.
func (SetUser) Kind() string { return "set-user" }

func (s SetUser) String() string {
	text := "become user " + utoa(s.UID) + " group " + utoa(s.GID)
	if len(s.Groups) > 0 {
		words := make([]string, len(s.Groups))
		for i, g := range s.Groups {
			words[i] = utoa(g)
		}
		text += " groups " + strings.Join(words, ",")
	}
	if s.Umask != nil {
		text += " umask " + strconv.FormatUint(uint64(*s.Umask), 8)
	}
	return text
}

// ChangeDir sets the working directory, resolved inside of the root.
type ChangeDir struct {
	Path string
}

// Kind implements Step.
func (ChangeDir) Kind() string { return "change-directory" }

func (s ChangeDir) String() string { return "change the directory to " + strconv.Quote(s.Path) }

// CheckProgram looks for the program as the user that will run it, so that a
// missing one is told by create and not by start.
type CheckProgram struct {
	Program    string
	Candidates []string
	Effective  uint64
}

// Kind implements Step.
func (CheckProgram) Kind() string { return "check-program" }

func (s CheckProgram) String() string {
	if len(s.Candidates) == 1 {
		return "check that " + strconv.Quote(s.Candidates[0]) + " can be executed"
	}
	return "look for " + strconv.Quote(s.Program) + " in $PATH"
}

// Ready tells the runtime that the container is made, and waits until the
// runtime has recorded that.
type Ready struct{}

// Kind implements Step.
func (Ready) Kind() string { return "created" }

func (Ready) String() string { return "tell the runtime that the container is created" }

// WaitStart waits for `start`.
type WaitStart struct{}

// Kind implements Step.
func (WaitStart) Kind() string { return "wait-for-start" }

func (WaitStart) String() string { return "wait for start" }

// AppArmor sets the profile that the program is confined by, aa_change_onexec.
type AppArmor struct {
	Profile string
}

// Kind implements Step.
func (AppArmor) Kind() string { return "set-apparmor-profile" }

func (s AppArmor) String() string {
	return "confine by the AppArmor profile " + strconv.Quote(s.Profile)
}

// SELinux sets the label that the program runs with, setexeccon(3).
type SELinux struct {
	Label string
}

// Kind implements Step.
func (SELinux) Kind() string { return "set-selinux-label" }

func (s SELinux) String() string { return "run with the SELinux label " + strconv.Quote(s.Label) }

// NoNewPrivileges sets no_new_privs, prctl(2).
type NoNewPrivileges struct{}

// Kind implements Step.
func (NoNewPrivileges) Kind() string { return "set-no-new-privileges" }

func (NoNewPrivileges) String() string { return "give up gaining privileges (no_new_privs)" }

// Seccomp installs the seccomp filter, seccomp(2).
type Seccomp struct{}

// Kind implements Step.
func (Seccomp) Kind() string { return "install-seccomp-filter" }

func (Seccomp) String() string { return "install the seccomp filter" }

// Capabilities sets the five capability sets, capabilities(7).
type Capabilities struct {
	caps.Sets
}

// Kind implements Step.
func (Capabilities) Kind() string { return "set-capabilities" }

func (s Capabilities) String() string {
	return "set capabilities: effective " + capText(s.Effective) + ", permitted " + capText(s.Permitted) +
		", inheritable " + capText(s.Inheritable) + ", ambient " + capText(s.Ambient)
}

func capText(mask uint64) string {
	if mask == 0 {
		return "none"
	}
	return "0x" + strconv.FormatUint(mask, 16)
}

// Execute runs the program in place of the init process, execve(2).
type Execute struct {
	Candidates []string
	Args, Env  []string
}

// Kind implements Step.
func (Execute) Kind() string { return "execute" }

func (s Execute) String() string {
	words := make([]string, len(s.Args))
	for i, a := range s.Args {
		words[i] = strconv.Quote(a)
	}
	return "execute " + strings.Join(words, " ")
}

// process compiles what an init process and an exec'd one have in common: all
// from the keyring to the program.
func (c *compiler) process(p *specs.Process) error {
	if !c.opts.NoNewKeyring {
		c.p.add(Init, Keyring{Name: "_ses." + c.opts.ID, Label: p.SelinuxLabel})
	}
	if pers := c.spec.Linux.Personality; pers != nil {
		c.p.add(Init, Personality{pers.Domain})
	}
	if err := c.memoryPolicy(); err != nil {
		return err
	}
	if c.priorityPhase() == Init {
		c.priorities(Init, p) // late, as they may slow it down
	}
	sets := c.capabilities(p)
	c.p.add(Init, DropBounding{sets.Bounding})
	if err := c.user(p); err != nil {
		return err
	}
	c.p.add(Init, ChangeDir{p.Cwd})
	candidates := programCandidates(p.Args[0], p.Env)
	c.p.add(Init, CheckProgram{p.Args[0], candidates, sets.Effective})
	if !c.p.Namespaces.Has(CloneUser) {
		// Last, since what came before may need more than the program gets.
		c.rlimits(Init, p)
	}
	c.p.add(Init, Ready{})
	if c.opts.Wait {
		c.waitStart(p)
	}
	c.hooks(Start, HooksStart)
	if err := c.labels(p); err != nil {
		return err
	}
	c.confine(p, sets)
	c.p.add(Start, Execute{candidates, p.Args, environment(p.Env, c.facts.Home)})
	return nil
}

// knownCapabilities are those of every kernel that the runtime supports.
const knownCapabilities = 1<<(40+1) - 1

// capabilities are the five sets; a process without the section gets none.
func (c *compiler) capabilities(p *specs.Process) caps.Sets {
	sets, ignored := caps.FromSpec(p.Capabilities, knownCapabilities)
	if held := c.facts.Capabilities; held != 0 && !c.p.Namespaces.Has(CloneUser) {
		// "Any value which cannot be granted to the container by the
		// runtime MUST be logged as a warning" (config.md).
		ignored = append(ignored, caps.Names(sets.Beyond(held))...)
		sets = sets.Restrict(held)
	}
	if len(ignored) > 0 {
		c.p.warn(caps.Warning(ignored))
	}
	sets, lost := sets.Unraisable()
	for n := 0; lost>>n != 0; n++ {
		if lost>>n&1 != 0 {
			c.p.warn(caps.AmbientWarning(n))
		}
	}
	return sets
}

// confine orders no_new_privs, the seccomp filter and the capabilities: a
// filter may be installed by one who has CAP_SYS_ADMIN or no_new_privs, and
// goes last where the container still qualifies then, so that it need not
// allow what leads up to the program.
func (c *compiler) confine(p *specs.Process, sets caps.Sets) {
	if p.NoNewPrivileges {
		c.p.add(Start, NoNewPrivileges{})
	}
	const sysAdmin = 1 << 21
	last := p.NoNewPrivileges || sets.Effective&sysAdmin != 0
	if c.opts.Seccomp && !last {
		c.p.add(Start, Seccomp{})
	}
	c.p.add(Start, Capabilities{sets})
	if c.opts.Seccomp && last {
		c.p.add(Start, Seccomp{})
	}
}

func (c *compiler) user(p *specs.Process) error {
	u := p.User
	if c.facts.NoSetgroups && len(u.AdditionalGids) > 0 {
		return fieldError("process.user.additionalGids", "cannot be set by an unprivileged user without a newgidmap range: the kernel denies setgroups(2)")
	}
	step := SetUser{
		UID: u.UID, GID: u.GID, Groups: u.AdditionalGids, NoGroups: c.facts.NoSetgroups,
		Umask: u.Umask, ChownStdio: u.UID != 0 || c.p.Namespaces.Has(CloneUser),
	}
	c.p.add(Init, step)
	return nil
}

func (c *compiler) labels(p *specs.Process) error {
	if p.ApparmorProfile != "" {
		if !c.facts.AppArmor {
			return fieldError("process.apparmorProfile", "AppArmor is not enabled on this host")
		}
		c.p.add(Start, AppArmor{p.ApparmorProfile})
	}
	if p.SelinuxLabel != "" {
		if !c.facts.SELinux {
			return fieldError("process.selinuxLabel", "SELinux is not enabled on this host")
		}
		c.p.add(Start, SELinux{p.SelinuxLabel})
	}
	return nil
}

// environment is what a process gets that is to have env, with HOME where that has
// none or an empty one, as runc does. An empty home is not known.
func environment(env []string, home string) []string {
	if own, _ := spec.Variable(env, "HOME"); own == "" && home != "" {
		env = append(env[:len(env):len(env)], "HOME="+home)
	}
	return lastOfEach(env)
}

// lastOfEach leaves out variables that are set again later: getenv(3) would take
// the first.
func lastOfEach(env []string) []string {
	last := make(map[string]int, len(env))
	for i, e := range env {
		name, _, _ := strings.Cut(e, "=")
		last[name] = i
	}
	if len(last) == len(env) {
		return env
	}
	kept := make([]string, 0, len(last))
	for i, e := range env {
		if name, _, _ := strings.Cut(e, "="); last[name] == i {
			kept = append(kept, e)
		}
	}
	return kept
}

// programCandidates are the paths that execvp(3) tries: the name itself when
// it has a slash, else the name in each directory of PATH. An empty element
// of PATH is the working directory; it is skipped, as Go's os/exec does,
// since nobody means it.
func programCandidates(name string, env []string) []string {
	if strings.Contains(name, "/") {
		return []string{name}
	}
	search, _ := spec.Variable(env, "PATH")
	var out []string
	for _, dir := range strings.Split(search, ":") {
		if dir != "" {
			out = append(out, strings.TrimSuffix(dir, "/")+"/"+name)
		}
	}
	return out
}
