package machined

import "github.com/godbus/dbus/v5"

// DeviceAllow is one entry of the unit setting: a node or group of devices,
// and of r, w and m what is allowed.
type DeviceAllow struct {
	Node, Access string
}

// ScopeOptions say how a booted container's scope is to be.
type ScopeOptions struct {
	// KillSignal is the number of the stop signal, 0 for none; systemd then
	// sends it to the leader only.
	KillSignal int32
	// Devices are allowed besides /dev/net/tun, pseudo terminals and the
	// policy's own: fuse, nodes that are bound.
	Devices []DeviceAllow
	// Slice is the slice to be in, "" for machine.slice.
	Slice string
}

// Scope gives the properties that nspawn gives the scope of a container, but
// Controller, which would need our bus connection to live as long as it.
func Scope(o ScopeOptions) []Property {
	devices := append([]DeviceAllow{{"/dev/net/tun", "rwm"}, {"char-pts", "rw"}}, o.Devices...)
	list := []Property{
		{"DevicePolicy", dbus.MakeVariant("closed")},
		{"DeviceAllow", dbus.MakeVariant(devices)},
	}
	if o.KillSignal != 0 {
		list = append(list,
			Property{"KillSignal", dbus.MakeVariant(o.KillSignal)},
			Property{"KillMode", dbus.MakeVariant("mixed")})
	}
	if o.Slice != "" {
		list = append(list, Property{"Slice", dbus.MakeVariant(o.Slice)})
	}
	return list
}
