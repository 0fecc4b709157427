package netdev

import (
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// namespaces puts the test's thread into a network namespace of its own, the "host", and
// makes another, the "container".
func namespaces(t *testing.T) (host *netlink.Handle, container *os.File, inside *netlink.Handle) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs root for network namespaces")
	}
	runtime.LockOSThread() // never unlocked: the thread ends with the test
	c, err := netns.New()
	if err != nil {
		t.Skipf("cannot make a network namespace: %v", err)
	}
	h, err := netns.New()
	if err != nil {
		t.Fatal(err)
	}
	container = os.NewFile(uintptr(c), "container netns")
	if host, err = netlink.NewHandleAt(h, unix.NETLINK_ROUTE); err != nil {
		t.Fatal(err)
	}
	if inside, err = netlink.NewHandleAt(c, unix.NETLINK_ROUTE); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		host.Close()
		inside.Close()
		container.Close()
		h.Close()
	})
	return host, container, inside
}

func dummy(t *testing.T, h *netlink.Handle, name string, addrs ...string) {
	t.Helper()
	link := &netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: name, MTU: 1400}}
	err := h.LinkAdd(link)
	if errors.Is(err, unix.EOPNOTSUPP) {
		// A kernel without dummy devices; one end of a pair will do.
		err = h.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: name, MTU: 1400}, PeerName: name + "p"})
	}
	if errors.Is(err, unix.EOPNOTSUPP) {
		t.Skip("this kernel has neither dummy nor veth devices")
	}
	if err != nil {
		t.Fatal(err)
	}
	l, err := h.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.LinkSetUp(l); err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		addr, err := netlink.ParseAddr(a)
		if err != nil {
			t.Fatal(err)
		}
		if err := h.AddrAdd(l, addr); err != nil {
			t.Fatal(err)
		}
	}
}

// addresses are a device's, those of the link's scope left out.
func addresses(t *testing.T, h *netlink.Handle, name string) string {
	t.Helper()
	l, err := h.LinkByName(name)
	if err != nil {
		t.Fatal(err)
	}
	list, err := h.AddrList(l, netlink.FAMILY_ALL)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, a := range list {
		if a.Scope == unix.RT_SCOPE_UNIVERSE {
			out = append(out, strings.TrimSpace(a.IPNet.String()+" "+a.Label))
		}
	}
	return strings.Join(out, ", ")
}

func mover(t *testing.T, container *os.File) *Mover {
	t.Helper()
	fd, err := unix.FcntlInt(container.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewMover(os.NewFile(uintptr(fd), container.Name()))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestBackLeavesOthers: a device of the host's that got the name meanwhile is another.
func TestBackLeavesOthers(t *testing.T) {
	host, container, _ := namespaces(t)
	dummy(t, host, "gs0", "192.0.2.1/24")
	m := mover(t, container)
	defer m.Close()
	if err := m.Move("gs0", "eth0"); err != nil {
		t.Fatal(err)
	}
	dummy(t, host, "gs1")
	other, err := host.LinkByName("gs1")
	if err == nil {
		err = errors.Join(host.LinkSetDown(other), host.LinkSetName(other, "gs0"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Back(); !errors.Is(err, unix.EEXIST) || !strings.Contains(err.Error(), `move the network device "gs0" back`) {
		t.Errorf("error %v", err)
	}
	if got := addresses(t, host, "gs0"); got != "" {
		t.Errorf("the other device got the addresses %q", got)
	}
}

func TestMove(t *testing.T) {
	host, container, inside := namespaces(t)
	dummy(t, host, "gs0", "192.0.2.1/24 gs0:x", "2001:db8::1/64", "169.254.7.7/16")
	dummy(t, host, "gs1")
	dummy(t, host, "gs2", "198.51.100.9/32")
	// Takes the index that gs0 has on the host: the kernel must choose another.
	l, err := host.LinkByName("gs0")
	if err != nil {
		t.Fatal(err)
	}
	_ = inside.LinkAdd(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "gs7", Index: l.Attrs().Index}})
	m := mover(t, container)
	if err := errors.Join(m.Move("gs0", "eth0"), m.Move("gs1", ""), m.Move("gs2", "gs%d")); err != nil {
		t.Fatal(err)
	}
	m.Close()
	for name, want := range map[string]string{
		"eth0": "192.0.2.1/24 eth0:x, 2001:db8::1/64", "gs1": "", "gs0": "198.51.100.9/32 gs0",
	} {
		got := addresses(t, inside, name)
		got = strings.Replace(got, "169.254.7.7/16 eth0, ", "", 1) // global scope as added here
		if got != want && got != strings.Replace(want, "24 eth0:x", "24 eth0:x, 169.254.7.7/16 eth0", 1) {
			t.Errorf("%s has addresses %q, want %q", name, got, want)
		}
		l, err := inside.LinkByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if l.Attrs().Flags&unix.IFF_UP == 0 || l.Attrs().MTU != 1400 {
			t.Errorf("%s: flags %v, mtu %d; want up and 1400", name, l.Attrs().Flags, l.Attrs().MTU)
		}
		if _, err := host.LinkByName(name); err == nil && name != "gs0" {
			t.Errorf("%s is still on the host", name)
		}
	}
}

func TestBack(t *testing.T) {
	host, container, inside := namespaces(t)
	dummy(t, host, "gs0", "192.0.2.1/24", "2001:db8::1/64")
	dummy(t, host, "gs1", "192.0.2.2/24")
	dummy(t, inside, "taken")
	before := addresses(t, host, "gs0")
	m := mover(t, container)
	if err := m.Move("gs0", "eth0"); err != nil {
		t.Fatal(err)
	}
	if err := m.Move("gs1", "taken"); !errors.Is(err, unix.EEXIST) {
		t.Fatalf("error %v", err)
	}
	if err := m.Back(); err != nil {
		t.Fatal(err)
	}
	if after := addresses(t, host, "gs0"); after != before {
		t.Errorf("gs0 has addresses %q, had %q", after, before)
	}
	for _, name := range []string{"gs0", "gs1"} {
		l, err := host.LinkByName(name)
		if err != nil {
			t.Fatal(err)
		}
		if l.Attrs().Flags&unix.IFF_UP == 0 {
			t.Errorf("%s is down", name)
		}
	}
	m.Close()
	if got := addresses(t, host, "gs1"); got != "192.0.2.2/24 gs1" {
		t.Errorf("gs1 has addresses %q", got)
	}
}

func TestMoveErrors(t *testing.T) {
	host, container, _ := namespaces(t)
	dummy(t, host, "gs0")
	tests := []struct{ name, from, to, want string }{
		{"missing", "nope", "", "Link not found"},
		{"bad name", "gs0", "a/b", `name "a/b": is no network device name`},
		{"too long", "gs0", "abcdefghijklmnop", "is no network device name"},
		{"two templates", "gs0", "a%d%d", "is no network device name"},
		{"loopback", "lo", "", "move into"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := checkName(tt.to); tt.to != "" && err == nil {
				t.Errorf("checkName(%q) = nil", tt.to)
			}
		})
		// Not in the subtest: that runs on another thread, in another namespace.
		err := mover(t, container).Move(tt.from, tt.to)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}
