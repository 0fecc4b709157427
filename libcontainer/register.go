package libcontainer

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/gspawn/gspawn-oci/libcontainer/cgroup"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/machined"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/naming"
	"github.com/gspawn/gspawn-oci/libcontainer/spec"
)

// machinedTimeout is how long systemd-machined may take for an answer.
const machinedTimeout = 10 * time.Second

// systemdHost tells whether systemd is the host's init, sd_booted(3).
func systemdHost() bool {
	st, err := os.Lstat("/run/systemd/system")
	return err == nil && st.IsDir()
}

// placeSystem puts a system that is run by hand where nspawn puts one: in a
// scope of its own below machine.slice, or, as a service, below the unit that
// it runs in. A bundle that says where it wants to be is obeyed.
func (c *container) placeSystem() (cgroupsPath string, systemd bool) {
	cgroupsPath, systemd = c.spec.Linux.CgroupsPath, c.rt.SystemdCgroup
	if c.boot == nil && !c.registers || c.run == nil || cgroupsPath != "" || os.Geteuid() != 0 || !systemdHost() || cgroup.Mode() != cgroup.Unified {
		return cgroupsPath, systemd
	}
	if c.run.KeepUnit {
		if own := ownUnit(); own != "" {
			return path.Join(own, "payload"), false
		}
		return cgroupsPath, systemd
	}
	scope := strings.TrimSuffix(naming.Scope(nspawn.MachineName(c.spec, c.opts.ID)), ".scope")
	return "machine.slice:machine:" + strings.TrimPrefix(scope, "machine-"), true
}

// unitAnnotations are the properties of the container's unit. Stopping the
// scope of a booted system shuts the system down: the default, SIGTERM, makes
// systemd execute itself anew, and the scope then waits for its timeout.
func (c *container) unitAnnotations() map[string]string {
	const property = "org.systemd.property.KillSignal"
	if _, set := c.spec.Annotations[property]; set || c.boot == nil {
		return c.spec.Annotations
	}
	properties := maps.Clone(c.spec.Annotations)
	if properties == nil {
		properties = make(map[string]string, 1)
	}
	properties[property] = strconv.Itoa(c.stop.Signal)
	return properties
}

// ownUnit is the cgroup of the unit that this process runs in. A subgroup
// named supervisor is the process's own, DelegateSubgroup= of systemd.exec(5).
func ownUnit() string {
	line := readLine("/proc/self/cgroup")
	own, ok := strings.CutPrefix(line, "0::")
	if !ok || own == "/" {
		return ""
	}
	return strings.TrimSuffix(own, "/supervisor")
}

// register makes a booted system, or an application on request, known to
// systemd-machined. A host without machined has nobody to tell.
func (c *container) register() error {
	if !c.registers || os.Geteuid() != 0 || !systemdHost() {
		return nil
	}
	if !c.inUnit() {
		// machined knows machines by the unit that they run in.
		c.rt.debug("not registered with systemd-machined: the container is in no unit of systemd (use --systemd-cgroup)")
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), machinedTimeout)
	defer cancel()
	client, err := machined.Connect(ctx, machined.SystemBus)
	if err == nil {
		defer client.Close()
		err = client.Register(ctx, machined.Machine{
			Name: nspawn.MachineName(c.spec, c.opts.ID), ID: machineID(c.spec.Process.Env),
			Leader: uint32(c.launch.pid), Root: c.desc.Rootfs,
		})
	}
	switch {
	case err == nil:
		return nil
	case machined.Absent(err):
		c.rt.debug("not registered with systemd-machined: " + err.Error())
		return nil
	}
	return err
}

// inUnit says whether the container is in a unit of systemd: in a scope of its
// own, or with KeepUnit in ours, unless the bundle names another place.
func (c *container) inUnit() bool {
	location := c.group.Location()
	if location.Driver == cgroup.Systemd {
		return true
	}
	if c.run == nil || !c.run.KeepUnit {
		return false
	}
	own := ownUnit()
	return own != "" && strings.HasPrefix(location.Path, own+"/")
}

// unregister forgets a system in a unit that stays; with a scope machined
// notices by itself.
func (c *container) unregister() {
	if !c.registers || c.run == nil || !c.run.KeepUnit || os.Geteuid() != 0 || !systemdHost() || !c.inUnit() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), machinedTimeout)
	defer cancel()
	client, err := machined.Connect(ctx, machined.SystemBus)
	if err == nil {
		err = client.Unregister(ctx, nspawn.MachineName(c.spec, c.opts.ID))
		client.Close()
	}
	if err != nil && !machined.Absent(err) {
		c.rt.warn(fmt.Sprintf("forget machine: %v", err))
	}
}

// machineID is what PID 1 is told, in the form that machined wants.
func machineID(env []string) string {
	value, _ := spec.Variable(env, "container_uuid")
	id, _ := nspawn.ParseID(value)
	return id
}
