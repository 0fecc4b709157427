// Package annotation names the annotations of config.json that the runtime
// acts on.
//
// It holds their names and nothing else: what a value means is the matter of
// who reads it. The names are part of the interface to people and engines:
// renaming one breaks bundles. It imports nothing.
package annotation

// The runtime's own, and the image specification's.
const (
	// Boot turns boot mode on ("yes"), off ("no"), or leaves it
	// to detection ("auto", the default).
	Boot = "io.gspawn.boot"
	// Machine is the machine name, when it is not the container's
	// id.
	Machine = "io.gspawn.machine"
	// Register says whether systemd-machined is to know the
	// container: a system by default, an application with "yes".
	Register = "io.gspawn.register"
	// MachineID is a 128-bit id, 32 hex digits or a UUID.
	MachineID = "io.gspawn.machine-id"
	// KeepSIGTERM set to "yes" leaves SIGTERM of `kill` as it is
	// instead of making it the init's stop signal.
	KeepSIGTERM = "io.gspawn.keep-sigterm"
	// Credential and an id after it hold a credential's value.
	Credential = "io.gspawn.credential."
	// Network is how the bundle wants to be networked: host,
	// private or veth.
	Network = "io.gspawn.network"
	// NetworkOptions is, for veth, "Bridge=br0": what the host's
	// end is put into.
	NetworkOptions = "io.gspawn.network.options"
	// Volatile is nspawn's --volatile=: yes, state or overlay. The
	// runtime makes the root of yes and overlay, for any container; state
	// is a tmpfs that the bundle mounts.
	Volatile = "io.gspawn.volatile"
	// Ownership is nspawn's --private-users-ownership=. With map
	// the runtime maps the owners of the tree's files by the mount; the
	// others need nothing at run time.
	Ownership = "io.gspawn.private-users-ownership"
	// StopSignal is the image specification's, as engines set it.
	StopSignal = "org.opencontainers.image.stopSignal"
)

// Containerd and CRIO are what containerd and CRI-O tell a
// pod's containers from its sandbox by, which holds the pod's namespaces open. A
// pod's annotations are the sandbox's too.
const (
	Containerd = "io.kubernetes.cri.container-type"
	CRIO       = "io.kubernetes.cri-o.ContainerType"
)
