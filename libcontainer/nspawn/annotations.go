package nspawn

// Annotations of config.json that boot mode reads. They are part of the
// interface to people and engines: renaming one breaks bundles.
const (
	// AnnotationBoot turns boot mode on ("yes"), off ("no"), or leaves it
	// to detection ("auto", the default).
	AnnotationBoot = "io.gspawn.boot"
	// AnnotationMachine is the machine name, when it is not the container's
	// id.
	AnnotationMachine = "io.gspawn.machine"
	// AnnotationMachineID is a 128-bit id, 32 hex digits or a UUID.
	AnnotationMachineID = "io.gspawn.machine-id"
	// AnnotationKeepSIGTERM set to "yes" leaves SIGTERM of `kill` as it is
	// instead of making it the init's stop signal.
	AnnotationKeepSIGTERM = "io.gspawn.keep-sigterm"
	// AnnotationCredential and an id after it hold a credential's value.
	AnnotationCredential = "io.gspawn.credential."
	// AnnotationNetwork is how the bundle wants to be networked: host,
	// private or veth.
	AnnotationNetwork = "io.gspawn.network"
	// AnnotationNetworkOptions is, for veth, "Bridge=br0": what the host's
	// end is put into.
	AnnotationNetworkOptions = "io.gspawn.network.options"
	// AnnotationVolatile is nspawn's --volatile=: yes, state or overlay. The
	// runtime makes the root of yes and overlay, for any container; state
	// is a tmpfs that the bundle mounts.
	AnnotationVolatile = "io.gspawn.volatile"
	// AnnotationOwnership is nspawn's --private-users-ownership=. With map
	// the runtime maps the owners of the tree's files by the mount; the
	// others need nothing at run time.
	AnnotationOwnership = "io.gspawn.private-users-ownership"
	// AnnotationStopSignal is the image specification's, as engines set it.
	AnnotationStopSignal = "org.opencontainers.image.stopSignal"
)

// AnnotationContainerd and AnnotationCRIO are what containerd and CRI-O tell a
// pod's containers from its sandbox by, which holds the pod's namespaces open. A
// pod's annotations are the sandbox's too.
const (
	AnnotationContainerd = "io.kubernetes.cri.container-type"
	AnnotationCRIO       = "io.kubernetes.cri-o.ContainerType"
)
