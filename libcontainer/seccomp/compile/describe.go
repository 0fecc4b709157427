//go:build linux && cgo

package compile

import (
	"fmt"
	"slices"
	"unsafe"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
	"golang.org/x/sys/unix"
)

// Describe tells what profiles may use, each list sorted.
func Describe() (Support, error) {
	major, minor, micro := libseccomp.GetLibraryVersion()
	api, err := libseccomp.GetAPI()
	if err != nil {
		return Support{}, fmt.Errorf("ask libseccomp for its API level: %w", err)
	}
	s := Support{
		Version: fmt.Sprintf("%d.%d.%d", major, minor, micro),
		API:     api,
		Actions: []string{
			string(specs.ActAllow), string(specs.ActErrno), string(specs.ActKill), string(specs.ActKillProcess),
			string(specs.ActKillThread), string(specs.ActLog), string(specs.ActNotify), string(specs.ActTrace), string(specs.ActTrap),
		},
		Operators: []string{
			string(specs.OpEqualTo), string(specs.OpGreaterEqual), string(specs.OpGreaterThan), string(specs.OpLessEqual),
			string(specs.OpLessThan), string(specs.OpMaskedEqual), string(specs.OpNotEqual),
		},
		Archs: libraryArchs(),
	}
	for _, f := range flagTable {
		s.KnownFlags = append(s.KnownFlags, string(f.name))
		if kernelTakes(f.bits) {
			s.SupportedFlags = append(s.SupportedFlags, string(f.name))
		}
	}
	return s, nil
}

// libraryArchs lists the architectures that the linked libseccomp has tables for:
// the names of the spec are more than the older versions know.
func libraryArchs() []string {
	var out []string
	for _, a := range architectures {
		if _, err := libseccomp.GetSyscallFromNameByArch("read", a.scmp); err == nil {
			out = append(out, string(a.spec))
		}
	}
	slices.Sort(out)
	return out
}

// kernelTakes asks the kernel whether it knows flags of a filter: with them it
// goes on to read the program from the null pointer.
func kernelTakes(flags uintptr) bool {
	_, _, errno := unix.RawSyscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, flags, uintptr(unsafe.Pointer(nil)))
	return errno == unix.EFAULT
}
