package cgroup

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// SubPath is the value of exec --cgroup: a path below the container's cgroup by v1
// controller, "" standing for all. The zero value is the container's cgroup itself.
type SubPath struct{ byController map[string]string }

// ParseSub reads exec --cgroup values: "PATH" or, on v1, "CONTROLLER[,CONTROLLER]:PATH".
// Paths are taken from the container's cgroup and cannot leave it.
func ParseSub(values []string) (SubPath, error) {
	var s SubPath
	for _, v := range values {
		ctls, p, ok := strings.Cut(v, ":")
		if !ok {
			ctls, p = "", v
		}
		if slices.Contains(strings.Split(p, "/"), "..") {
			return SubPath{}, fmt.Errorf("--cgroup %q: must not contain \"..\"", v)
		}
		p = path.Clean("/" + p)
		if s.byController == nil {
			s.byController = map[string]string{}
		}
		for c := range strings.SplitSeq(ctls, ",") {
			if _, dup := s.byController[c]; dup {
				return SubPath{}, fmt.Errorf("--cgroup %q: controller %q is given twice", v, c)
			}
			s.byController[c] = p
		}
	}
	if _, all := s.byController[""]; all && len(s.byController) > 1 {
		return SubPath{}, fmt.Errorf("--cgroup: %q without a controller excludes all others", s.byController[""])
	}
	return s, nil
}

// empty tells whether the container's own cgroup is meant.
func (s SubPath) empty() bool {
	for _, p := range s.byController {
		if p != "/" {
			return false
		}
	}
	return true
}

// of returns the path for a controller with its leading slash, or "" for none.
func (s SubPath) of(controller string) string {
	p, ok := s.byController[controller]
	if !ok {
		p = s.byController[""]
	}
	if p == "/" {
		return ""
	}
	return p
}
