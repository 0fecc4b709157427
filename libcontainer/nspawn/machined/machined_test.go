package machined

import (
	"bufio"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=SOCKET</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/><allow user="*"/></policy></busconfig>`

// startBus runs a message bus of the test's own and gives its address.
func startBus(t *testing.T) string {
	t.Helper()
	daemon, err := exec.LookPath("dbus-daemon")
	if err != nil {
		t.Skip("dbus-daemon is not installed")
	}
	dir := t.TempDir()
	config := filepath.Join(dir, "bus.conf")
	address := "unix:path=" + filepath.Join(dir, "bus")
	if err := os.WriteFile(config, []byte(strings.Replace(busConfig, "SOCKET", filepath.Join(dir, "bus"), 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(daemon, "--config-file="+config, "--nofork", "--nopidfile", "--print-address")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Skipf("dbus-daemon does not start here: %v", err)
	}
	return address
}

// fakeManager records calls as machined would get them.
type fakeManager struct {
	calls  []string
	args   []any
	exists bool
}

func (f *fakeManager) record(name string, args ...any) (dbus.ObjectPath, *dbus.Error) {
	if f.exists {
		return "/", dbus.NewError(service+".MachineExists", []any{"Machine 'box' already exists"})
	}
	f.calls, f.args = append(f.calls, name), args
	return "/org/freedesktop/machine1/machine/box", nil
}

func (f *fakeManager) RegisterMachineWithNetwork(name string, id []byte, svc, class string, leader uint32, root string, ifs []int32) (dbus.ObjectPath, *dbus.Error) {
	return f.record("RegisterMachineWithNetwork", name, id, svc, class, leader, root, ifs)
}

func (f *fakeManager) UnregisterMachine(name string) *dbus.Error {
	if f.calls == nil {
		return dbus.NewError(service+".NoSuchMachine", nil)
	}
	_, err := f.record("UnregisterMachine", name)
	return err
}

// oldManager is a machined without the methods for networks.
type oldManager struct{ fakeManager }

func (o *oldManager) RegisterMachine(name string, id []byte, svc, class string, leader uint32, root string) (dbus.ObjectPath, *dbus.Error) {
	return o.record("RegisterMachine", name, id, svc, class, leader, root)
}

func serve(t *testing.T, address string, methods map[string]any) {
	t.Helper()
	bus, err := dbus.Connect(address, dbus.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { bus.Close() })
	if err := bus.ExportMethodTable(methods, object, service+".Manager"); err != nil {
		t.Fatal(err)
	}
	if reply, err := bus.RequestName(service, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("request name: %v, %v", reply, err)
	}
}

func connect(t *testing.T, address string) (*Client, context.Context) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	t.Cleanup(cancel)
	c, err := Connect(ctx, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, ctx
}

var box = Machine{Name: "box", ID: strings.Repeat("0f", 16), Leader: 4711, Root: "/srv/box", Interfaces: []int32{3}}

func TestRegistration(t *testing.T) {
	address := startBus(t)
	fake := &fakeManager{}
	serve(t, address, map[string]any{"RegisterMachineWithNetwork": fake.RegisterMachineWithNetwork, "UnregisterMachine": fake.UnregisterMachine})
	c, ctx := connect(t, address)

	if err := c.Unregister(ctx, "box"); err != nil {
		t.Errorf("a machine that is not there: %v", err)
	}
	if err := c.Register(ctx, box); err != nil {
		t.Fatal(err)
	}
	id := []byte(strings.Repeat("\x0f", 16))
	if want := []any{"box", id, "gspawn-oci", "container", uint32(4711), "/srv/box", []int32{3}}; !reflect.DeepEqual(fake.args, want) {
		t.Errorf("arguments %#v, want %#v", fake.args, want)
	}
	if err := c.Register(ctx, Machine{Name: "b", Leader: 5}); err != nil {
		t.Fatal(err)
	}
	if want := []any{"b", []byte{}, "gspawn-oci", "container", uint32(5), "", []int32{}}; !reflect.DeepEqual(fake.args, want) {
		t.Errorf("arguments %#v, want %#v", fake.args, want)
	}
	if err := c.Unregister(ctx, "box"); err != nil || fake.calls[len(fake.calls)-1] != "UnregisterMachine" {
		t.Errorf("unregister: %v, calls %q", err, fake.calls)
	}
	fake.exists = true
	if err := c.Register(ctx, box); !errors.Is(err, ErrExists) || Absent(err) {
		t.Errorf("a second machine: %v", err)
	}
}

func TestOldMachined(t *testing.T) {
	address := startBus(t)
	old := &oldManager{}
	serve(t, address, map[string]any{"RegisterMachine": old.RegisterMachine})
	c, ctx := connect(t, address)
	if err := c.Register(ctx, box); err != nil || len(old.calls) != 1 || old.calls[0] != "RegisterMachine" {
		t.Errorf("register: %v, calls %q", err, old.calls)
	}
}

func TestAbsent(t *testing.T) {
	if _, err := Connect(t.Context(), "unix:path="+filepath.Join(t.TempDir(), "none")); !Absent(err) {
		t.Errorf("no bus: %v", err)
	}
	c, ctx := connect(t, startBus(t))
	if err := c.Register(ctx, box); !Absent(err) {
		t.Errorf("no machined: %v", err)
	}
	if Absent(errors.New("other")) || Absent(dbus.Error{Name: "org.freedesktop.DBus.Error.AccessDenied"}) {
		t.Error("a failure was taken for absence")
	}
}

func TestBadMachines(t *testing.T) {
	for want, m := range map[string]Machine{
		"not 32 hex digits": {Name: "x", ID: "12", Leader: 2},
		"can't be":          {Name: "x", Leader: 1},
		"not absolute":      {Name: "x", Leader: 2, Root: "r"},
	} {
		if _, err := m.arguments(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", m, err, want)
		}
	}
}
