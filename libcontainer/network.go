package libcontainer

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"

	"github.com/gspawn/gspawn-oci/libcontainer/fault"
	"github.com/gspawn/gspawn-oci/libcontainer/lower"
	"github.com/gspawn/gspawn-oci/libcontainer/netdev"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/naming"
	"github.com/gspawn/gspawn-oci/libcontainer/plan"
)

// network carries out one step of the plan on the network namespace of the init,
// which waits for that.
func (c *container) network(step int) error {
	if step >= len(c.plan.Steps) {
		return lower.ErrMessage
	}
	var err error
	switch s := c.plan.Steps[step].(type) {
	case plan.NetDevice:
		err = c.moveDevice(&s)
	case plan.VethPair:
		err = c.makeVeth(&s)
	default:
		return lower.ErrMessage
	}
	if err != nil {
		return stepError(c.plan, step, err)
	}
	fault.At()
	return nil
}

// networkNamespace opens the network namespace that the init is in.
func (c *container) networkNamespace() (*os.File, error) {
	ns, err := os.Open("/proc/" + strconv.Itoa(c.launch.pid) + "/ns/net")
	if errors.Is(err, os.ErrNotExist) { // a zombie has none
		err = errGone
	}
	if err != nil {
		return nil, fmt.Errorf("open the container's network namespace: %w", err)
	}
	return ns, nil
}

func (c *container) moveDevice(s *plan.NetDevice) error {
	if c.devices == nil {
		ns, err := c.networkNamespace()
		if err != nil {
			return err
		}
		if c.devices, err = netdev.NewMover(ns); err != nil {
			return err
		}
	}
	return c.devices.Move(s.Host, s.Name)
}

// returnDevices moves devices back to the host from a container that does not
// come to be: with its network namespace the kernel would remove those that are
// not of hardware.
func (c *container) returnDevices() {
	if c.devices == nil {
		return
	}
	if err := c.devices.Back(); err != nil {
		c.rt.warn("remove container " + c.opts.ID + ": " + err.Error())
	}
	c.keepDevices()
}

// keepDevices leaves the devices to the container: an open network namespace
// would outlive it.
func (c *container) keepDevices() {
	if c.devices != nil {
		c.devices.Close()
		c.devices = nil
	}
}

// makeVeth connects the container as systemd-nspawn does.
func (c *container) makeVeth(s *plan.VethPair) error {
	ns, err := c.networkNamespace()
	if err != nil {
		return err
	}
	defer ns.Close()
	var host [16]byte
	if id, ok := nspawn.ParseID(readLine("/etc/machine-id")); ok {
		_, _ = hex.Decode(host[:], []byte(id))
	}
	prefix := naming.PrefixVeth
	if s.Bridge != "" {
		prefix = naming.PrefixBridged
	}
	v := netdev.Veth{Inside: naming.ContainerInterface, Bridge: s.Bridge,
		HostMAC:   naming.MAC(naming.VethHost, host, s.Machine, 0),
		InsideMAC: naming.MAC(naming.VethContainer, host, s.Machine, 0)}
	v.Host, v.Alternative = naming.Interface(prefix, s.Machine)
	return v.Make(ns)
}
