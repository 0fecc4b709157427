package settings

import (
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// reset gives a key its "not set" value.
func (s *Settings) reset(key string) {
	if p := s.boolean(key); p != nil {
		*p = nil
		return
	}
	if p := s.text(key); p != nil {
		*p = ""
		return
	}
	if p := s.list(key); p != nil {
		*p = nil
		return
	}
	if kind, ok := strings.CutPrefix(key, "Limit"); ok {
		var kept []specs.POSIXRlimit
		for _, limit := range s.Rlimits {
			if limit.Type != "RLIMIT_"+kind {
				kept = append(kept, limit)
			}
		}
		s.Rlimits = kept
		return
	}
	if section(key) == "Files" {
		s.resetFiles(key)
		return
	}
	s.resetExec(key)
}

func (s *Settings) resetExec(key string) {
	switch key {
	case "Boot", "ProcessTwo":
		s.Start, s.Parameters = StartUnset, nil
	case "Parameters":
		s.Parameters = nil
	case "Environment":
		s.Environment = nil
	case "Capability":
		s.Capability = 0
	case "DropCapability":
		s.DropCapability = 0
	case "AmbientCapability":
		s.AmbientCaps = 0
	case "PrivateUsers":
		s.PrivateUsers = nil
	case "OOMScoreAdjust":
		s.OOMScoreAdjust = nil
	}
}

func (s *Settings) resetFiles(key string) {
	switch key {
	case "Bind", "BindReadOnly":
		var kept []Bind
		for _, b := range s.Binds {
			if b.ReadOnly != (key == "BindReadOnly") {
				kept = append(kept, b)
			}
		}
		s.Binds = kept
	case "TemporaryFileSystem":
		s.Tmpfs = nil
	case "Overlay", "OverlayReadOnly":
		var kept []Overlay
		for _, o := range s.Overlays {
			if o.ReadOnly != (key == "OverlayReadOnly") {
				kept = append(kept, o)
			}
		}
		s.Overlays = kept
	case "PrivateUsersChown":
		s.Ownership = ""
	case "BindUser":
		s.BindUser = nil
	}
}
