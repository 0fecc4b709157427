package netdev

import (
	"errors"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestVeth(t *testing.T) {
	host, container, inside := namespaces(t)
	if err := host.LinkAdd(&netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "gsbr"}}); errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("this kernel has no bridges")
	} else if err != nil {
		t.Fatal(err)
	}
	v := Veth{Host: "vb-abc", Alternative: "vb-a-long-name-of-a-machine", Inside: "host0", Bridge: "gsbr",
		HostMAC: [6]byte{2, 1, 2, 3, 4, 5}, InsideMAC: [6]byte{2, 1, 2, 3, 4, 6}}
	err := v.Make(container)
	if errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("this kernel has no veth devices")
	} else if err != nil {
		t.Fatal(err)
	}
	far, err := inside.LinkByName("host0")
	if err != nil {
		t.Fatal(err)
	}
	if got := far.Attrs().HardwareAddr.String(); got != "02:01:02:03:04:06" {
		t.Errorf("host0 has the address %s", got)
	}
	near, err := host.LinkByName("vb-abc")
	if err != nil {
		t.Fatal(err)
	}
	bridge, err := host.LinkByName("gsbr")
	if err != nil {
		t.Fatal(err)
	}
	a := near.Attrs()
	if a.HardwareAddr.String() != "02:01:02:03:04:05" || a.Flags&unix.IFF_UP == 0 || a.MasterIndex != bridge.Attrs().Index {
		t.Errorf("the host's end: %s, flags %v, master %d", a.HardwareAddr, a.Flags, a.MasterIndex)
	}
	if len(a.AltNames) != 1 || a.AltNames[0] != v.Alternative {
		t.Errorf("the host's end has the alternative names %q", a.AltNames)
	}
	v.Bridge, v.Host = "gsnone", "vb-d"
	if err := v.Make(container); err == nil || !strings.Contains(err.Error(), `bridge "gsnone"`) {
		t.Errorf("without the bridge: %v", err)
	}
}
