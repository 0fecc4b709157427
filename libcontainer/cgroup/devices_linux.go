package cgroup

import (
	"fmt"

	devices "github.com/opencontainers/cgroups/devices/config"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// defaultRule is a device every container may use. The list is runc's AllowedDevices:
// engines send a lone deny-all and count on it.
type defaultRule struct {
	path         string
	kind         devices.Type
	major, minor int64
	access       devices.Permissions
}

var defaultRules = [...]defaultRule{
	{"", devices.CharDevice, devices.Wildcard, devices.Wildcard, "m"},
	{"", devices.BlockDevice, devices.Wildcard, devices.Wildcard, "m"},
	{"/dev/null", devices.CharDevice, 1, 3, "rwm"},
	{"/dev/random", devices.CharDevice, 1, 8, "rwm"},
	{"/dev/full", devices.CharDevice, 1, 7, "rwm"},
	{"/dev/tty", devices.CharDevice, 5, 0, "rwm"},
	{"/dev/zero", devices.CharDevice, 1, 5, "rwm"},
	{"/dev/urandom", devices.CharDevice, 1, 9, "rwm"},
	{"", devices.CharDevice, 136, devices.Wildcard, "rwm"}, // /dev/pts/N
	{"", devices.CharDevice, 5, 2, "rwm"},                  // /dev/ptmx
}

// appendDefaultDevices adds the rules that every container gets, after the user's own: a
// later rule wins. A node of linux.devices on a default's path takes that default's place,
// so its rule is left to linux.resources.devices.
func appendDefaultDevices(out *Limits, nodes []specs.LinuxDevice) {
	rules := make([]devices.Rule, 0, len(defaultRules))
next:
	for _, d := range defaultRules {
		for i := range nodes {
			if d.path != "" && nodes[i].Path == d.path {
				continue next
			}
		}
		rules = append(rules, devices.Rule{Type: d.kind, Major: d.major, Minor: d.minor, Permissions: d.access, Allow: true})
	}
	for i := range rules {
		out.Devices = append(out.Devices, &rules[i])
	}
}

func setDevices(out *Limits, rules []specs.LinuxDeviceCgroup) error {
	out.Devices = make([]*devices.Rule, 0, len(rules)+len(defaultRules))
	for i, r := range rules {
		rule := &devices.Rule{Major: devices.Wildcard, Minor: devices.Wildcard, Permissions: devices.Permissions(r.Access), Allow: r.Allow}
		switch r.Type {
		case "", "a":
			rule.Type = devices.WildcardDevice
		case "b":
			rule.Type = devices.BlockDevice
		case "c":
			rule.Type = devices.CharDevice
		default:
			return fmt.Errorf("linux.resources.devices[%d].type %q: must be a, b or c", i, r.Type)
		}
		if r.Access == "" {
			return fmt.Errorf("linux.resources.devices[%d].access: must not be empty", i)
		}
		for _, c := range r.Access {
			if c != 'r' && c != 'w' && c != 'm' {
				return fmt.Errorf("linux.resources.devices[%d].access %q: must be made of r, w and m", i, r.Access)
			}
		}
		if r.Major != nil {
			rule.Major = *r.Major
		}
		if r.Minor != nil {
			rule.Minor = *r.Minor
		}
		out.Devices = append(out.Devices, rule)
	}
	return nil
}
