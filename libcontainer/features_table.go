package libcontainer

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
)

// knownHooks lists the hooks in the order in which they run.
func knownHooks() []string {
	return []string{"prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"}
}

func knownNamespaces() []string {
	return []string{
		string(specs.CgroupNamespace), string(specs.IPCNamespace), string(specs.MountNamespace),
		string(specs.NetworkNamespace), string(specs.PIDNamespace), string(specs.TimeNamespace),
		string(specs.UserNamespace), string(specs.UTSNamespace),
	}
}

// knownMountOptions lists the options that the runtime itself understands, sorted. Others go to the file system.
func knownMountOptions() []string {
	return []string{
		"acl", "async", "atime", "bind", "defaults", "dev", "diratime", "dirsync", "exec", "idmap", "iversion", "lazytime", "loud",
		"mand", "noacl", "noatime", "nodev", "nodiratime", "noexec", "noiversion", "nolazytime", "nomand", "norelatime",
		"nostrictatime", "nosuid", "nosymfollow", "private", "ratime", "rbind", "rdev", "rdiratime", "relatime", "remount",
		"rexec", "ridmap", "rnoatime", "rnodev", "rnodiratime", "rnoexec", "rnorelatime", "rnostrictatime", "rnosuid",
		"rnosymfollow", "ro", "rprivate", "rrelatime", "rro", "rrw", "rshared", "rslave", "rstrictatime", "rsuid",
		"rsymfollow", "runbindable", "rw", "shared", "silent", "slave", "strictatime", "suid", "symfollow", "sync",
		"tmpcopyup", "unbindable",
	}
}

// unsafeAnnotations lists the annotations that change what the runtime does; a dot at the end stands for all that
// begin so.
func unsafeAnnotations() []string {
	return []string{
		"io.gspawn.", annotation.CRIO, annotation.Containerd, annotation.StopSignal, "org.systemd.property.",
	}
}

func knownMemoryPolicies() []string {
	return []string{
		string(specs.MpolDefault), string(specs.MpolPreferred), string(specs.MpolBind), string(specs.MpolInterleave),
		string(specs.MpolLocal), string(specs.MpolPreferredMany), string(specs.MpolWeightedInterleave),
	}
}

func knownMemoryPolicyFlags() []string {
	return []string{string(specs.MpolFStaticNodes), string(specs.MpolFRelativeNodes), string(specs.MpolFNumaBalancing)}
}
