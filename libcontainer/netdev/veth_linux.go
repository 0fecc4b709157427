package netdev

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// Veth is a pair of virtual Ethernet devices between the host and a container.
type Veth struct {
	Host        string // name of the host's end
	Alternative string // its full name where Host was shortened, else ""
	Inside      string // name of the container's end
	Bridge      string // of the host's, that its end is put into; "" for none

	HostMAC, InsideMAC [6]byte
}

// Make makes the pair, its far end in the network namespace that ns is a
// descriptor of. The host's end is set up; that of the container is left to it.
// The kernel removes both when the namespace ends.
func (v *Veth) Make(ns *os.File) error {
	if err := checkName(v.Host); err != nil {
		return err
	}
	own, err := netns.Get()
	if err != nil {
		return fmt.Errorf("open the own network namespace: %w", err)
	}
	defer own.Close()
	host, err := side(own)
	if err != nil {
		return err
	}
	defer host.Close()
	var bridge netlink.Link
	if v.Bridge != "" {
		if bridge, err = host.LinkByName(v.Bridge); err != nil {
			return fmt.Errorf("bridge %q: %w", v.Bridge, err)
		}
	}
	if err := v.add(host, ns); err != nil {
		return fmt.Errorf("make %q: %w", v.Host, err)
	}
	link, err := host.LinkByName(v.Host)
	if err != nil {
		return fmt.Errorf("find %q: %w", v.Host, err)
	}
	if err := v.configure(host, link, bridge); err != nil {
		return errors.Join(fmt.Errorf("set up %q: %w", v.Host, err), host.LinkDel(link))
	}
	return nil
}

func (v *Veth) configure(host namespace, link, bridge netlink.Link) error {
	if v.Alternative != "" {
		if err := host.LinkAddAltName(link, v.Alternative); err != nil {
			return err
		}
	}
	if bridge != nil {
		if err := host.LinkSetMaster(link, bridge); err != nil {
			return fmt.Errorf("put it into the bridge %q: %w", v.Bridge, err)
		}
	}
	return host.LinkSetUp(link)
}

// vethWait is how long a name that is taken is waited for: the kernel removes
// the pair of a container some time after its end, and a reboot is faster.
const vethWait = 2 * time.Second

func (v *Veth) add(host namespace, ns *os.File) error {
	link := &netlink.Veth{
		LinkAttrs: netlink.LinkAttrs{Name: v.Host, HardwareAddr: net.HardwareAddr(v.HostMAC[:])},
		PeerName:  v.Inside, PeerHardwareAddr: net.HardwareAddr(v.InsideMAC[:]), PeerNamespace: netlink.NsFd(int(ns.Fd())),
	}
	for end := time.Now().Add(vethWait); ; time.Sleep(20 * time.Millisecond) {
		err := host.LinkAdd(link)
		if !errors.Is(err, unix.EEXIST) || time.Now().After(end) {
			return err
		}
	}
}
