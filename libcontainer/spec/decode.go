package spec

import (
	"encoding/json"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Decode decodes a configuration. Config keeps raw, which must not be changed afterwards.
// The error is a *DecodeError.
func Decode(raw []byte) (*Config, error) {
	var s specs.Spec
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, &DecodeError{Problem: err.Error()}
	}
	c := &Config{Spec: &s, Raw: raw}
	if s.Linux != nil && s.Linux.Seccomp != nil {
		c.Seccomp, _ = json.Marshal(s.Linux.Seccomp)
		s.Linux.Seccomp = &specs.LinuxSeccomp{}
	}
	return c, nil
}

// SeccompProfile decodes the seccomp profile; nil, nil when there is none.
func (c *Config) SeccompProfile() (*specs.LinuxSeccomp, error) {
	if c.Seccomp == nil {
		return nil, nil
	}
	var s specs.LinuxSeccomp
	if err := json.Unmarshal(c.Seccomp, &s); err != nil {
		return nil, &DecodeError{Path: "linux.seccomp", Problem: err.Error()}
	}
	return &s, nil
}

// DecodeProcess decodes a process object, as exec --process takes it.
func DecodeProcess(raw []byte) (*specs.Process, error) {
	var s specs.Process
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, &DecodeError{Problem: err.Error()}
	}
	return &s, nil
}

// DecodeResources decodes a resources object, as update --resources takes it.
func DecodeResources(raw []byte) (*specs.LinuxResources, error) {
	var s specs.LinuxResources
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, &DecodeError{Problem: err.Error()}
	}
	return &s, nil
}
