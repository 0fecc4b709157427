// Package intelrdt puts a container into a resource group of the resctrl file system, as
// linux.intelRdt asks: Intel's (and AMD's) allocation of cache and memory bandwidth. See
// the kernel's Documentation/filesystems/resctrl.rst and the IntelRdt section of the
// runtime-spec's config-linux.md, whose rules on when a group is made, compared, and
// removed this package follows.
//
// It must never touch resctrl for a container whose configuration has no intelRdt, and
// never remove a group that the configuration names by closID: that one is shared. It
// imports runtime-spec, the standard library and x/sys/unix.
package intelrdt
