package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/cgroups"
	"golang.org/x/sys/unix"
)

// explain says of an error of the library's Set which field this host has no means for. It
// does not repeat ENOENT's words: engines take them for those about a missing program.
// Other errors stay as they are.
func (g *Group) explain(err error, r *Limits) error {
	if err == nil {
		return nil
	}
	if c, ok := absentOnV1(err); ok {
		return absentController(fieldOf(c), c)
	}
	for key := range r.Unified {
		if strings.HasPrefix(err.Error(), "unified resource "+strconv.Quote(key)+" can't be set: controller") {
			c, _, _ := strings.Cut(key, ".")
			return absentController("unified["+strconv.Quote(key)+"]", c)
		}
	}
	var missing *fs.PathError
	if !errors.As(err, &missing) || !errors.Is(missing.Err, unix.ENOENT) || !g.Exists() {
		return err
	}
	file := filepath.Base(missing.Path)
	field := fieldOf(file)
	if _, ok := r.Unified[file]; ok && strings.Contains(err.Error(), "unified resource") {
		field = "unified[" + strconv.Quote(file) + "]"
	}
	if c, _, _ := strings.Cut(file, "."); g.mode == Unified && !hasController(g.mgr.Path(""), c) {
		return absentController(field, c)
	}
	return fmt.Errorf("linux.resources.%s: this host's cgroup has no file %s", field, file)
}

func absentController(field, controller string) error {
	return fmt.Errorf("linux.resources.%s: this host's cgroup has no %s controller", field, controller)
}

// absentOnV1 finds the controller that the library has no directory of, by its words for
// it, which are the only sign.
func absentOnV1(err error) (string, bool) {
	text, ok := strings.CutPrefix(err.Error(), "cannot set ")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(text, " limit: container could not join or create cgroup")
}

// fieldOf is the member of linux.resources that a file, or a controller, is for.
func fieldOf(file string) string {
	for i := range fileFields {
		if fileFields[i].file == file {
			return fileFields[i].field
		}
	}
	c, _, more := strings.Cut(file, ".")
	if more {
		return fieldOf(c)
	}
	return c
}

func hasController(dir, name string) bool {
	text, err := cgroups.ReadFile(dir, "cgroup.controllers")
	return err != nil || slices.Contains(strings.Fields(text), name)
}

// checkWeights refuses weights for single devices where the library would pass them over:
// on v2 they need the BFQ scheduler.
func (g *Group) checkWeights(r *Limits) error {
	if g.mode != Unified || len(r.BlkioWeightDevice) == 0 {
		return nil
	}
	if unix.Access(filepath.Join(g.mgr.Path(""), "io.bfq.weight"), unix.W_OK) != nil {
		return errors.New("linux.resources.blockIO.weightDevice: this host's cgroup has no file io.bfq.weight")
	}
	return nil
}

// set has the library set the limits.
func (g *Group) set(r *Limits) error {
	if err := g.checkWeights(r); err != nil {
		return err
	}
	knowReplace()
	return g.explain(g.mgr.Set(r), r)
}
