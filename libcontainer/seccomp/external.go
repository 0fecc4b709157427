//go:build linux && !cgo

package seccomp

import (
	"encoding/json"
	"fmt"
)

// InProcess tells whether this binary has libseccomp linked, so that it needs no
// gspawn-oci-seccomp.
const InProcess = false

func compileProfile(raw []byte) (Program, error) {
	out, err := runHelper(raw, "--program")
	if err != nil {
		return Program{}, err
	}
	p, err := decode(out, nil, 0)
	if err != nil {
		return Program{}, fmt.Errorf("%s answered with %w; install the one that was built with this binary", HelperName, err)
	}
	return p, nil
}

// Describe asks the helper what its libseccomp can do.
func Describe() (Support, error) {
	out, err := runHelper(nil, "--features")
	if err != nil {
		return Support{}, err
	}
	var s Support
	if err := json.Unmarshal(out, &s); err != nil {
		return Support{}, fmt.Errorf("read what %s can do: %w", HelperName, err)
	}
	return s, nil
}
