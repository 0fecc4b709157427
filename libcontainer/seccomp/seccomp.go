//go:build linux

// Package seccomp gives the runtime the compiled program of linux.seccomp.
//
// libseccomp compiles it, in the binary gspawn-oci-seccomp or, in a CGO_ENABLED=1
// build, in this process. Since either costs more than starting a container, the
// programs are kept in a directory of the state root, and a profile that was seen
// before costs four system calls and a comparison of its text.
//
// The package is linked in the main binary and therefore has no initialisation,
// and decodes no JSON but for Describe, which no container needs. It never loads a filter: that is a record on the tape. It
// may import the standard library, x/sys/unix and, with cgo, its own compiler.
package seccomp

import "encoding/json"

// Program is a compiled profile.
type Program struct {
	// BPF is an array of struct sock_filter (8 bytes each, this machine's byte
	// order). It is empty when the profile means "no seccomp". The memory may be
	// a read-only mapping that lives as long as the process: never write to it.
	BPF []byte
	// Flags are those of seccomp(SECCOMP_SET_MODE_FILTER), NEW_LISTENER included.
	Flags uint
	// Notify tells that the call returns a listener's descriptor, which must be
	// sent to ListenerPath with ListenerMetadata (package notify).
	Notify           bool
	ListenerPath     string
	ListenerMetadata string
}

// Load returns the program of a profile, raw being the JSON text of linux.seccomp
// exactly as it stands in config.json. cacheDir is Dir(state root); it is made
// when it is missing, and "" means to keep nothing. An error is about the profile
// (it names the field) or says that the compiler is not installed; trouble with
// the cache is never an error, since the program can be compiled anew.
func Load(raw json.RawMessage, cacheDir string) (Program, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return Program{}, nil
	}
	c := cache{dir: cacheDir}
	if p, ok := c.get(raw); ok {
		return p, nil
	}
	p, err := compileProfile(raw)
	if err != nil {
		return Program{}, err
	}
	c.put(raw, &p)
	return p, nil
}

// Dir returns the cache directory below a state root. Its name starts with a dot,
// which no container's name may.
func Dir(root string) string { return root + "/.seccomp" }
