package libcontainer

import (
	"github.com/opencontainers/runtime-spec/specs-go"
	"github.com/opencontainers/runtime-spec/specs-go/features"

	"github.com/gspawn/gspawn-oci/libcontainer/caps"
	"github.com/gspawn/gspawn-oci/libcontainer/seccomp"
)

// Keys of Features' annotations.
const (
	annotationCheckpoint = "io.github.gspawn.gspawn-oci.checkpoint.enabled"
	annotationLibseccomp = "io.github.seccomp.libseccomp.version"
)

// Features tells what this build can do, whatever the machine offers: the features structure of the runtime
// specification (features.md, features-linux.md). Its slices are the caller's.
//
// Seccomp is what the libseccomp in use says of itself; when it is not installed, seccomp is not enabled.
func (r *Runtime) Features() *features.Features {
	yes, no := true, false
	f := &features.Features{
		OCIVersionMin:                      "1.0.0",
		OCIVersionMax:                      specs.Version,
		Hooks:                              knownHooks(),
		MountOptions:                       knownMountOptions(),
		Annotations:                        map[string]string{annotationCheckpoint: "false"},
		PotentiallyUnsafeConfigAnnotations: unsafeAnnotations(),
		Linux: &features.Linux{
			Namespaces:   knownNamespaces(),
			Capabilities: caps.Known(),
			Cgroup:       &features.Cgroup{V1: &yes, V2: &yes, Systemd: &yes, SystemdUser: &yes, Rdma: &yes},
			Seccomp:      &features.Seccomp{Enabled: &no},
			Apparmor:     &features.Apparmor{Enabled: &yes},
			Selinux:      &features.Selinux{Enabled: &yes},
			IntelRdt:     &features.IntelRdt{Enabled: &yes, Schemata: &yes, Monitoring: &yes},
			MemoryPolicy: &features.MemoryPolicy{Modes: knownMemoryPolicies(), Flags: knownMemoryPolicyFlags()},
			MountExtensions: &features.MountExtensions{
				IDMap: &features.IDMap{Enabled: &yes},
			},
			NetDevices: &features.NetDevices{Enabled: &yes},
		},
	}
	if s, err := seccomp.Describe(); err == nil {
		f.Linux.Seccomp = &features.Seccomp{
			Enabled:        &yes,
			Actions:        s.Actions,
			Operators:      s.Operators,
			Archs:          s.Archs,
			KnownFlags:     s.KnownFlags,
			SupportedFlags: s.SupportedFlags,
		}
		f.Annotations[annotationLibseccomp] = s.Version
	}
	return f
}
