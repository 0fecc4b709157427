package intelrdt

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Group is one container's place in resctrl. The exported fields are what the container's
// state keeps; with them alone AddProcess, Update, Stats and Destroy work.
type Group struct {
	// Root is where resctrl is mounted.
	Root string
	// Dir is the control group's directory, Root itself for closID "/".
	Dir string
	// Own is set when the group belongs to this container alone and goes with it.
	Own bool
	// Monitor is the container's monitoring group, when it has one.
	Monitor string

	config  specs.LinuxIntelRdt
	id      string
	created bool
}

// New prepares the group of container id under the resctrl file system at root (from
// Root). It changes nothing. Errors name the field.
func New(root, id string, c specs.LinuxIntelRdt) (*Group, error) {
	g := &Group{Root: root, config: c, id: id}
	name := c.ClosID
	switch name {
	case "/":
		g.Dir = root
	case "":
		name, g.Own = id, true
		fallthrough
	default:
		if name == "." || name == ".." || strings.ContainsAny(name, "/\n\x00") || reserved(name) {
			return nil, fmt.Errorf("linux.intelRdt.closID %q: is no name of a resctrl group", name)
		}
		g.Dir = filepath.Join(root, name)
	}
	if c.EnableMonitoring {
		g.Monitor = filepath.Join(g.Dir, "mon_groups", id)
	}
	return g, checkSchemata(c)
}

// reserved are the kernel's own names beside the groups.
func reserved(name string) bool {
	switch name {
	case "info", "mon_groups", "mon_data", "schemata", "tasks", "cpus", "cpus_list", "mode", "size":
		return true
	}
	return false
}

// Create makes what is to be made: the group, its limits, the monitoring group. After an
// error nothing is left that was not there.
func (g *Group) Create() error {
	want := lines(g.config)
	if err := g.makeDir(len(want) > 0); err != nil {
		return err
	}
	if err := g.limit(want); err != nil {
		g.undo()
		return err
	}
	if g.Monitor == "" {
		return nil
	}
	if err := os.Mkdir(g.Monitor, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		g.undo()
		return fmt.Errorf("linux.intelRdt.enableMonitoring: %w%s", err, g.status())
	}
	return nil
}

func (g *Group) makeDir(limited bool) error {
	_, err := os.Stat(g.Dir)
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if g.config.ClosID != "" && !limited {
		return fmt.Errorf("linux.intelRdt.closID %q: %w; without a schema the group must exist already", g.config.ClosID, err)
	}
	if err := os.Mkdir(g.Dir, 0o755); err != nil {
		return fmt.Errorf("linux.intelRdt: make group: %w%s", err, g.status())
	}
	g.created = true
	return nil
}

// limit writes the schemata. An existing closID is shared: there l3CacheSchema and
// memBwSchema must be what it has already, and are not written.
func (g *Group) limit(want []string) error {
	if g.config.ClosID != "" && !g.created {
		if err := g.compare(); err != nil {
			return err
		}
		want = g.config.Schemata
	}
	return g.writeSchemata(want)
}

func (g *Group) writeSchemata(lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	text := strings.Join(lines, "\n") + "\n"
	if err := os.WriteFile(filepath.Join(g.Dir, "schemata"), []byte(text), 0o600); err != nil {
		return fmt.Errorf("linux.intelRdt: write schemata %q: %w%s", lines, err, g.status())
	}
	return nil
}

// AddProcess puts a process into the group, and into the monitoring group. Its children
// follow, its other threads do not: call it before it has any.
func (g *Group) AddProcess(pid int) error {
	for _, dir := range []string{g.Dir, g.Monitor} {
		if dir == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "tasks"), strconv.AppendInt(nil, int64(pid), 10), 0o600); err != nil {
			return fmt.Errorf("linux.intelRdt: add process %d to group %q: %w%s", pid, dir, err, g.status())
		}
	}
	return nil
}

// Update writes new limits, as `update --l3-cache-schema --mem-bw-schema` asks; empty ones
// stay.
func (g *Group) Update(l3CacheSchema, memBwSchema string) error {
	c := specs.LinuxIntelRdt{L3CacheSchema: l3CacheSchema, MemBwSchema: memBwSchema}
	if err := checkSchemata(c); err != nil {
		return err
	}
	return g.writeSchemata(lines(c))
}

// Destroy removes the monitoring group, and the group where it is the container's own.
// What is gone already is no error.
func (g *Group) Destroy() error {
	var errs []error
	if g.Monitor != "" {
		errs = append(errs, os.RemoveAll(g.Monitor))
	}
	if g.Own {
		errs = append(errs, os.RemoveAll(g.Dir))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("remove resctrl group: %w", err)
	}
	return nil
}

func (g *Group) undo() {
	if g.created {
		_ = os.RemoveAll(g.Dir)
	}
}

// status is the kernel's explanation of the last failure, "" when it has none.
func (g *Group) status() string {
	data, err := os.ReadFile(filepath.Join(g.Root, "info/last_cmd_status"))
	text := strings.TrimSpace(string(data))
	if err != nil || text == "" || text == "ok" {
		return ""
	}
	return " (" + text + ")"
}
