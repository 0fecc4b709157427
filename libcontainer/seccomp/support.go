//go:build linux

package seccomp

import "github.com/gspawn/gspawn-oci/libcontainer/seccomp/compile"

// Support is what libseccomp and the kernel can do, for `features`. Without cgo
// nothing else of the compiler's package exists.
type Support = compile.Support
