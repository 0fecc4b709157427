package netdev

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Mover takes devices from the caller's network namespace into another, and can bring them
// back as long as it is open.
type Mover struct {
	host     netns.NsHandle
	ns       *os.File
	from, to namespace
	moved    []device
}

// NewMover makes a mover into the network namespace that ns is a descriptor of, which it
// takes over and closes.
func NewMover(ns *os.File) (*Mover, error) {
	m := &Mover{host: netns.None(), ns: ns}
	if err := m.open(); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

func (m *Mover) open() (err error) {
	if m.host, err = netns.Get(); err != nil {
		return fmt.Errorf("open the own network namespace: %w", err)
	}
	if m.from, err = side(m.host); err != nil {
		return err
	}
	m.to, err = side(netns.NsHandle(m.ns.Fd()))
	return err
}

// Close leaves the devices where they are.
func (m *Mover) Close() {
	m.from.Close()
	m.to.Close()
	if m.host.IsOpen() {
		m.host.Close()
	}
	m.ns.Close()
}

// namespace is one end of a move: a descriptor, and a socket that lives there.
type namespace struct {
	fd netns.NsHandle
	*netlink.Handle
	socket *nl.SocketHandle
}

func side(fd netns.NsHandle) (n namespace, err error) {
	n.fd = fd
	if n.Handle, err = netlink.NewHandleAt(fd, unix.NETLINK_ROUTE); err != nil {
		return n, fmt.Errorf("open netlink socket: %w", err)
	}
	s, err := nl.GetNetlinkSocketAt(fd, netns.None(), unix.NETLINK_ROUTE)
	if err != nil {
		n.Handle.Close()
		return namespace{}, fmt.Errorf("open netlink socket: %w", err)
	}
	n.socket = &nl.SocketHandle{Socket: s}
	return n, nil
}

// Close closes the sockets, if they were opened, not the descriptor.
func (n namespace) Close() {
	if n.socket != nil {
		n.Handle.Close()
		n.socket.Close()
	}
}

// device is what is to be kept of a device over a move.
type device struct {
	name  string // on the host
	index int    // on the host, then, once it is found there, in the container
	found bool
	up    bool
	addrs []netlink.Addr
}

// Move takes the device called name there, under newName, or its own name if that is "".
// After an error some of it may have been done, which Back undoes too.
func (m *Mover) Move(name, newName string) error {
	if newName == "" {
		newName = name
	}
	if err := checkName(newName); err != nil {
		return err
	}
	link, err := m.from.LinkByName(name)
	if err != nil {
		return err
	}
	dev := device{name: name, index: link.Attrs().Index, up: link.Attrs().Flags&unix.IFF_UP != 0}
	if dev.addrs, err = m.from.kept(link); err != nil {
		return err
	}
	before, err := m.to.indexes()
	if err != nil {
		return err
	}
	// Down first: some attributes cannot change while it is up. IPv6 forgets its addresses
	// by that, so they were read before.
	if err := m.from.LinkSetDown(link); err != nil {
		return fmt.Errorf("set down: %w", err)
	}
	m.moved = append(m.moved, dev)
	if err := m.from.send(dev.index, newName, m.to.fd); err != nil {
		return fmt.Errorf("move into the container's network namespace as %q: %w", newName, err)
	}
	link, err = m.to.newLink(before, newName)
	if err != nil {
		return fmt.Errorf("find as %q in the container's network namespace: %w", newName, err)
	}
	last := &m.moved[len(m.moved)-1]
	last.index, last.found = link.Attrs().Index, true
	for _, a := range dev.addrs {
		if err := m.to.AddrAdd(link, relabel(a, name, link.Attrs().Name)); err != nil && !errors.Is(err, unix.EEXIST) {
			return fmt.Errorf("add address %s: %w", a.IPNet, err)
		}
	}
	if err := m.to.LinkSetUp(link); err != nil {
		return fmt.Errorf("set up: %w", err)
	}
	return nil
}

// Back returns what was moved, the last first, and tells what would not.
func (m *Mover) Back() error {
	var errs []error
	for _, dev := range slices.Backward(m.moved) {
		link, err := m.fetch(dev)
		if err != nil {
			errs = append(errs, fmt.Errorf("move the network device %q back: %w", dev.name, err))
			continue
		}
		m.from.restore(link, dev)
	}
	return errors.Join(errs...)
}

// fetch moves a device from the container to the host. One that was not found there never
// left, or came under its old name: the kernel moves first, and renames, or fails to, in the
// new place. By its name alone, one that was found could be another that the host has since.
func (m *Mover) fetch(dev device) (link netlink.Link, err error) {
	if dev.found {
		link, err = m.to.LinkByIndex(dev.index)
	} else {
		if link, err := m.from.LinkByName(dev.name); err == nil {
			return link, nil
		}
		link, err = m.to.LinkByName(dev.name)
	}
	if err != nil {
		return nil, err
	}
	_ = m.to.LinkSetDown(link)
	if err := m.to.send(link.Attrs().Index, dev.name, m.from.fd); err != nil {
		return nil, err
	}
	return m.from.LinkByName(dev.name)
}

// restore gives a device that is back its addresses and state.
func (n namespace) restore(link netlink.Link, dev device) {
	for _, a := range dev.addrs {
		_ = n.AddrReplace(link, &a)
	}
	if dev.up {
		_ = n.LinkSetUp(link)
	}
}

// send moves and renames in one request: where the old name is taken on the other side, the
// kernel uses the new one at once.
func (n namespace) send(index int, name string, to netns.NsHandle) error {
	req := nl.NewNetlinkRequest(unix.RTM_NEWLINK, unix.NLM_F_ACK)
	req.Sockets = map[int]*nl.SocketHandle{unix.NETLINK_ROUTE: n.socket}
	msg := nl.NewIfInfomsg(unix.AF_UNSPEC)
	msg.Index = int32(index)
	req.AddData(msg)
	req.AddData(nl.NewRtAttr(unix.IFLA_IFNAME, nl.ZeroTerminated(name)))
	req.AddData(nl.NewRtAttr(unix.IFLA_NET_NS_FD, nl.Uint32Attr(uint32(to))))
	_, err := req.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

// kept are the addresses that go with a device: permanent ones of global scope.
func (n namespace) kept(link netlink.Link) ([]netlink.Addr, error) {
	all, err := n.AddrList(link, netlink.FAMILY_ALL)
	if err != nil {
		return nil, fmt.Errorf("list addresses: %w", err)
	}
	return slices.DeleteFunc(all, func(a netlink.Addr) bool {
		return a.Flags&unix.IFA_F_PERMANENT == 0 || a.Scope != unix.RT_SCOPE_UNIVERSE
	}), nil
}

func (n namespace) indexes() (map[int]bool, error) {
	links, err := n.LinkList()
	if err != nil {
		return nil, fmt.Errorf("list the container's network devices: %w", err)
	}
	out := make(map[int]bool, len(links))
	for _, l := range links {
		out[l.Attrs().Index] = true
	}
	return out, nil
}

// newLink finds the device that came: by its name, or, where the kernel chose that after a
// template, as the one that was not there.
func (n namespace) newLink(before map[int]bool, name string) (netlink.Link, error) {
	if !strings.Contains(name, "%d") {
		return n.LinkByName(name)
	}
	links, err := n.LinkList()
	if err != nil {
		return nil, err
	}
	prefix, _, _ := strings.Cut(name, "%d")
	for _, l := range links {
		if !before[l.Attrs().Index] && strings.HasPrefix(l.Attrs().Name, prefix) {
			return l, nil
		}
	}
	return nil, unix.ENODEV
}

// relabel is an address as it is to be added under the device's new name: IPv4 labels
// begin with the device's.
func relabel(a netlink.Addr, old, name string) *netlink.Addr {
	if rest, ok := strings.CutPrefix(a.Label, old); ok {
		a.Label = name + rest
		if len(a.Label) >= unix.IFNAMSIZ {
			a.Label = ""
		}
	}
	return &a
}

// checkName holds a new name against the kernel's dev_valid_name, so that the error says
// more than EINVAL. A single %d is the kernel's to fill in.
func checkName(name string) error {
	plain := strings.Replace(name, "%d", "0", 1)
	bad := name == "" || name == "." || name == ".." || len(name) >= unix.IFNAMSIZ ||
		strings.ContainsAny(plain, "/:% \t\n\v\f\r\x00")
	if bad {
		return fmt.Errorf("name %q: is no network device name", name)
	}
	return nil
}
