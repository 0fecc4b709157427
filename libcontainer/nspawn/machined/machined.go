// Package machined registers containers with systemd-machined, so that
// machinectl and its relatives know them.
//
// It speaks D-Bus and nothing else: it starts no service, changes no control
// group and never makes the runtime fail where there is no machined (see
// Absent). It imports godbus, which opencontainers/cgroups links anyway for its
// systemd driver; a package on the start path of containers that are not
// registered should not call it.
package machined

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/godbus/dbus/v5"
)

// Names on the bus.
const (
	service = "org.freedesktop.machine1"
	object  = "/org/freedesktop/machine1"
	manager = service + ".Manager."

	// SystemBus is the address of the system's bus.
	SystemBus = "unix:path=/run/dbus/system_bus_socket"
)

// ServiceName is what machinectl shows as the service of our machines.
const ServiceName = "gspawn-oci"

// ErrExists is wrapped when a machine of the name is registered already.
var ErrExists = errors.New("a machine of this name is registered already")

// Machine is what machined is told about a container.
type Machine struct {
	Name string
	// ID has 32 hex digits, or is empty.
	ID string
	// Service is ServiceName when empty.
	Service string
	// Leader is the container's PID 1 as the host sees it; above 1.
	Leader uint32
	// Root is the path of the tree on the host, absolute or empty.
	Root string
	// Interfaces are host-side indexes, one or none.
	Interfaces []int32
}

// Client is a connection to the bus.
type Client struct {
	bus *dbus.Conn
}

// Connect connects to a bus; its address is SystemBus but in tests. Waiting
// ends with the context.
func Connect(ctx context.Context, address string) (*Client, error) {
	bus, err := dbus.Connect(address, dbus.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", address, err)
	}
	return &Client{bus}, nil
}

// Close ends the connection. Machines stay registered.
func (c *Client) Close() error { return c.bus.Close() }

// Register registers a machine that runs in a unit already, as of
// gspawn-oci@.service.
func (c *Client) Register(ctx context.Context, m Machine) error {
	args, err := m.arguments()
	if err != nil {
		return err
	}
	err = c.call(ctx, "RegisterMachineWithNetwork", append(args, m.interfaces())...)
	if unknownMethod(err) {
		err = c.call(ctx, "RegisterMachine", args...)
	}
	return m.failure("register", err)
}

// Unregister takes a machine out; one that is not there is no error, since
// machined notices by itself when a machine ends.
func (c *Client) Unregister(ctx context.Context, name string) error {
	err := c.call(ctx, "UnregisterMachine", name)
	var failed dbus.Error
	if errors.As(err, &failed) && (failed.Name == service+".NoSuchMachine" || unknownMethod(err)) {
		return nil
	}
	return Machine{Name: name}.failure("unregister", err)
}

func (c *Client) call(ctx context.Context, method string, args ...any) error {
	return c.bus.Object(service, object).CallWithContext(ctx, manager+method, 0, args...).Err
}

// arguments are those that all methods share: sayssus.
func (m Machine) arguments() ([]any, error) {
	id, err := hex.DecodeString(m.ID)
	if err != nil || len(id) != 0 && len(id) != 16 {
		return nil, fmt.Errorf("register machine %q: id %q is not 32 hex digits", m.Name, m.ID)
	}
	if m.Leader <= 1 {
		return nil, fmt.Errorf("register machine %q: process %d can't be its leader", m.Name, m.Leader)
	}
	if m.Root != "" && !strings.HasPrefix(m.Root, "/") {
		return nil, fmt.Errorf("register machine %q: root directory %q is not absolute", m.Name, m.Root)
	}
	name := m.Service
	if name == "" {
		name = ServiceName
	}
	return []any{m.Name, id, name, "container", m.Leader, m.Root}, nil
}

func (m Machine) interfaces() []int32 {
	if m.Interfaces == nil {
		return []int32{}
	}
	return m.Interfaces
}

func (m Machine) failure(verb string, err error) error {
	var failed dbus.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &failed) && failed.Name == service+".MachineExists":
		return fmt.Errorf("%s machine %q: %w (see machinectl list)", verb, m.Name, ErrExists)
	}
	return fmt.Errorf("%s machine %q: %w", verb, m.Name, err)
}

func unknownMethod(err error) bool {
	var failed dbus.Error
	return errors.As(err, &failed) && failed.Name == "org.freedesktop.DBus.Error.UnknownMethod"
}

// Absent says whether an error means that the host has no bus or no machined,
// which is no failure of a container.
func Absent(err error) bool {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return true
	}
	var failed dbus.Error
	if !errors.As(err, &failed) {
		return false
	}
	switch failed.Name {
	case "org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner",
		"org.freedesktop.DBus.Error.Spawn.ServiceNotFound", "org.freedesktop.DBus.Error.Spawn.ExecFailed",
		"org.freedesktop.DBus.Error.Spawn.ChildExited", "org.freedesktop.systemd1.NoSuchUnit",
		"org.freedesktop.systemd1.UnitMasked":
		return true
	}
	return strings.HasPrefix(failed.Name, "org.freedesktop.DBus.Error.Spawn.")
}
