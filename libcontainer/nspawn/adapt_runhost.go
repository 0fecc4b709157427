package nspawn

import (
	"path"
	"slices"
	"sort"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// runHost fills the directory by which the manager talks to its payload, then
// closes it, then puts its stand-ins in their places.
func (a *adapter) runHost() {
	if a.mountAt(RunHost) >= 0 {
		a.add(Note{"/run/host is the bundle's"}, "nothing is put there, so the container learns less about its manager")
		return
	}
	const contract = "systemd's container interface"
	a.add(AddMount{mountRunHost()}, contract)
	if a.facts.HostOSRelease != "" {
		a.add(AddMount{mount(RunHost+"/os-release", "bind", a.facts.HostOSRelease, "bind", "nosuid", "noexec", "nodev", "ro")},
			"tells the container what host it is on")
	}
	credentials := a.credentials()
	if len(credentials) > 0 {
		a.credentialMount()
	}
	if word := a.manager(); word != "" { // an empty container= turns detection off
		a.add(File{RunHost + "/container-manager", 0o444, []byte(word + "\n")}, contract)
	}
	a.add(File{RunHost + "/container-uuid", 0o444, []byte(UUID(a.machineID()) + "\n")}, contract)
	a.inaccessible()
	a.notify()
	a.standInFiles()
	for _, c := range credentials {
		a.add(File{CredentialsDir + "/" + c.ID, 0o400, c.Value}, "the credential "+c.ID)
	}
	if len(credentials) > 0 {
		a.add(Seal{CredentialsDir, true}, "credentials do not change")
	}
	a.add(Seal{RunHost, false}, "the payload only reads it")
	a.standIns()
}

// CredentialsDir is where the container finds its credentials.
const CredentialsDir = RunHost + "/credentials"

// credentials are the command line's and the bundle's, by name; the command
// line's win.
func (a *adapter) credentials() []Credential {
	list := slices.Clone(a.facts.Credentials)
	for key, value := range a.spec.Annotations {
		id, ok := strings.CutPrefix(key, annotation.Credential)
		if !ok || CheckCredentialID(id) != nil {
			continue
		}
		if with, err := AddCredential(list, Credential{id, []byte(value)}); err == nil {
			list = with
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].ID < list[j].ID })
	return list
}

// credentialMount uses memory that is not swapped, which a user namespace may
// not mount.
func (a *adapter) credentialMount() {
	kind := "ramfs"
	options := []string{"nosuid", "noexec", "nodev", "mode=0500"}
	if namespaceIndex(a.spec, specs.UserNamespace) >= 0 {
		kind, options = "tmpfs", append(options, "size=4m")
	}
	a.add(AddMount{mount(CredentialsDir, kind, kind, options...)}, "holds the container's credentials")
	a.env("CREDENTIALS_DIRECTORY", CredentialsDir, "where PID 1 finds the credentials")
}

func (a *adapter) inaccessible() {
	const reason = "what systemd shows in place of a path that a unit may not see"
	dir := RunHost + "/inaccessible"
	a.add(Dir{dir, 0o555}, reason)
	a.add(File{dir + "/reg", 0, nil}, reason)
	a.add(Dir{dir + "/dir", 0}, reason)
	a.add(Node{Path: dir + "/fifo", Type: 'p'}, reason)
	a.add(Node{Path: dir + "/sock", Type: 's'}, reason)
	a.add(Node{Path: dir + "/chr", Type: 'c', Optional: true}, reason)
	a.add(Node{Path: dir + "/blk", Type: 'b', Optional: true}, reason)
}

func (a *adapter) notify() {
	if !a.facts.Notify {
		return
	}
	if _, ok := spec.Variable(a.spec.Process.Env, "NOTIFY_SOCKET"); ok {
		return // the engine's own way
	}
	a.env("NOTIFY_SOCKET", NotifyPath, "where PID 1 says that it is ready")
	a.add(NotifySocket{NotifyPath, 0o200}, "READY=1 and STATUS= of PID 1 are passed on")
}

// NotifyPath is the notification socket in the container.
const NotifyPath = RunHost + "/notify"

// The files that stand in for the kernel's; the names are those of systemd 258.
const (
	bootIDFile = RunHost + "/proc-sys-kernel-random-boot-id"
	kmsgFile   = RunHost + "/proc-kmsg"
	bootIDPath = "/proc/sys/kernel/random/boot_id"
	kmsgPath   = "/proc/kmsg"
)

func (a *adapter) standInFiles() {
	if a.facts.BootID != "" && a.mountAt(bootIDPath) < 0 {
		a.add(File{bootIDFile, 0o444, []byte(a.facts.BootID + "\n")}, "a boot id of its own, as journalctl -b needs it")
	}
	if a.facts.Supervised && a.showsKmsg() {
		a.add(Node{Path: kmsgFile, Type: 'p', Mode: 0o600, Hold: true}, "an empty kernel log")
	}
}

func (a *adapter) showsKmsg() bool {
	masked := func(p string) bool { return path.Clean(p) == kmsgPath }
	return a.mountAt(kmsgPath) < 0 && !slices.ContainsFunc(a.spec.Linux.MaskedPaths, masked)
}

func (a *adapter) standIns() {
	if a.facts.BootID != "" && a.mountAt(bootIDPath) < 0 {
		a.add(Bind{Source: bootIDFile, Target: bootIDPath, Readonly: true}, "each start of the container is a boot of its own")
	}
	if !a.showsKmsg() {
		return
	}
	if a.facts.Supervised {
		a.add(Bind{Source: kmsgFile, Target: kmsgPath}, "the host's kernel log is not the container's")
		return
	}
	// A fifo that nobody holds open would block its first reader for good;
	// opening a socket fails at once, and readers give up.
	a.add(Bind{Source: RunHost + "/inaccessible/sock", Target: kmsgPath, Readonly: true},
		"the host's kernel log is not the container's, and no process of ours lives to hold a fifo open")
}
