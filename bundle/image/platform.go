package image

import (
	"fmt"
	"runtime"
	"strings"
)

// platform is what an image must be for.
type platform struct{ os, arch, variant string }

// parsePlatform reads "os/arch[/variant]" or "arch"; empty is this machine.
func parsePlatform(s string) (platform, error) {
	if s == "" {
		return platform{os: "linux", arch: runtime.GOARCH}, nil
	}
	parts := strings.Split(s, "/")
	p := platform{os: "linux"}
	switch len(parts) {
	case 1:
		p.arch = parts[0]
	case 2:
		p.os, p.arch = parts[0], parts[1]
	case 3:
		p.os, p.arch, p.variant = parts[0], parts[1], parts[2]
	default:
		return p, fmt.Errorf("platform %q: want os/arch or os/arch/variant", s)
	}
	switch p.arch {
	case "x86_64", "x86-64":
		p.arch = "amd64"
	case "aarch64":
		p.arch = "arm64"
	case "":
		return p, fmt.Errorf("platform %q: want os/arch or os/arch/variant", s)
	}
	if p.os != "linux" {
		return p, fmt.Errorf("platform %q: only linux images can be run", s)
	}
	return p, nil
}

func (p platform) String() string {
	s := word(p.os) + "/" + word(p.arch)
	if p.variant != "" {
		s += "/" + word(p.variant)
	}
	return s
}

// fits says whether an image for q runs on p. Without a variant asked for, the base variant fits, and one that is not
// named: v8 of arm64, v1 of amd64.
func (p platform) fits(q *Platform) bool {
	if q.OS != p.os || q.Architecture != p.arch {
		return false
	}
	if p.variant != "" {
		return q.Variant == p.variant || (q.Variant == "" && p.variant == baseVariant(p.arch))
	}
	return q.Variant == "" || q.Variant == baseVariant(p.arch) || p.arch == "arm"
}

func baseVariant(arch string) string {
	switch arch {
	case "amd64":
		return "v1"
	case "arm64":
		return "v8"
	case "arm":
		return "v7"
	}
	return ""
}
