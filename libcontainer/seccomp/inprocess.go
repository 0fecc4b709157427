//go:build linux && cgo

package seccomp

import "github.com/gspawn/gspawn-oci/libcontainer/seccomp/compile"

// InProcess tells whether this binary has libseccomp linked, so that it needs no
// gspawn-oci-seccomp.
const InProcess = true

func compileProfile(raw []byte) (Program, error) {
	r, err := compile.JSON(raw)
	if err != nil {
		return Program{}, err
	}
	return FromResult(r), nil
}

// FromResult converts what the compiler returns.
func FromResult(r *compile.Result) Program {
	return Program{
		BPF:              r.BPF,
		Flags:            uint(r.Flags),
		Notify:           r.Notify,
		ListenerPath:     r.ListenerPath,
		ListenerMetadata: r.ListenerMetadata,
	}
}

// Describe tells what the linked libseccomp can do.
func Describe() (Support, error) { return compile.Describe() }
