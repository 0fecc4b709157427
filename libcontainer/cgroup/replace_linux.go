package cgroup

import (
	"sync"
	_ "unsafe" // for go:linkname
)

// Before it sets device rules, the library loads and attaches a program of its own to learn whether the kernel has
// BPF_F_REPLACE (Linux 5.6). Every kernel that this runtime can work on has it, and loading a program costs as much as
// reading, checking and planning a configuration, so the answer is given here. These are the library's variables:
// TestReplaceIsKnown fails where it calls them something else.
var (
	//go:linkname haveReplace github.com/opencontainers/cgroups/devices.haveBpfProgReplaceBool
	haveReplace bool
	//go:linkname replaceProbe github.com/opencontainers/cgroups/devices.haveBpfProgReplaceOnce
	replaceProbe sync.Once
)

// knowReplace must come before the library sets device rules.
func knowReplace() { replaceProbe.Do(func() { haveReplace = true }) }
