//go:build linux && cgo

package compile

import (
	"fmt"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	libseccomp "github.com/seccomp/libseccomp-golang"
)

// architectures pairs the spec's names with libseccomp's.
var architectures = [...]struct {
	spec specs.Arch
	scmp libseccomp.ScmpArch
}{
	{specs.ArchX86, libseccomp.ArchX86},
	{specs.ArchX86_64, libseccomp.ArchAMD64},
	{specs.ArchX32, libseccomp.ArchX32},
	{specs.ArchARM, libseccomp.ArchARM},
	{specs.ArchAARCH64, libseccomp.ArchARM64},
	{specs.ArchMIPS, libseccomp.ArchMIPS},
	{specs.ArchMIPS64, libseccomp.ArchMIPS64},
	{specs.ArchMIPS64N32, libseccomp.ArchMIPS64N32},
	{specs.ArchMIPSEL, libseccomp.ArchMIPSEL},
	{specs.ArchMIPSEL64, libseccomp.ArchMIPSEL64},
	{specs.ArchMIPSEL64N32, libseccomp.ArchMIPSEL64N32},
	{specs.ArchPPC, libseccomp.ArchPPC},
	{specs.ArchPPC64, libseccomp.ArchPPC64},
	{specs.ArchPPC64LE, libseccomp.ArchPPC64LE},
	{specs.ArchS390, libseccomp.ArchS390},
	{specs.ArchS390X, libseccomp.ArchS390X},
	{specs.ArchPARISC, libseccomp.ArchPARISC},
	{specs.ArchPARISC64, libseccomp.ArchPARISC64},
	{specs.ArchRISCV64, libseccomp.ArchRISCV64},
	{specs.ArchLOONGARCH64, libseccomp.ArchLOONGARCH64},
	{specs.ArchM68K, libseccomp.ArchM68K},
	{specs.ArchSH, libseccomp.ArchSH},
	{specs.ArchSHEB, libseccomp.ArchSHEB},
}

func architecture(a specs.Arch) (libseccomp.ScmpArch, error) {
	for _, p := range architectures {
		if p.spec == a {
			return p.scmp, nil
		}
	}
	return libseccomp.ArchInvalid, fmt.Errorf("unknown architecture %q", a)
}

// filterArchs returns the architectures of the filter: libseccomp always has the
// native one in it, named by the profile or not.
func (t *translated) filterArchs() []libseccomp.ScmpArch {
	native, err := libseccomp.GetNativeArch()
	if err != nil {
		return t.archs
	}
	out := []libseccomp.ScmpArch{native}
	for _, a := range t.archs {
		if a != native {
			out = append(out, a)
		}
	}
	return out
}
