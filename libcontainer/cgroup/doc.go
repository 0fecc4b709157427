// Package cgroup adapts the OCI configuration (linux.cgroupsPath, linux.resources,
// the org.systemd.property.* annotations) to github.com/opencontainers/cgroups, which
// knows how limits are written on cgroup v1 and v2, with and without systemd.
//
// It owns the questions that library leaves to its caller: where a container's cgroup
// lies, who may write in it, what a process is put into and when, how the members are
// listed, signalled and frozen, and what is kept in the container's state so that a later
// command finds the same cgroup without being told the driver again.
//
// It must never write a controller's limit itself where the library does, never touch a
// cgroup outside the container's own (creating missing parents excepted), and never
// choose a place below the caller's own cgroup. It may import the library, runtime-spec,
// x/sys/unix and logrus; nothing of this project.
//
// # Order of calls
//
//	Resolve, Resources → New → Make → Open (v2, cgroupfs) → clone into it → Limit
//	                                → or: Limit, spawn, hold the child, AddProcess, let it go
//
// Join tells which of the two applies. The child must not unshare its cgroup namespace,
// nor run anything of the container's, before it is in its cgroup; with JoinAfterSpawn it
// therefore waits until AddProcess returned.
package cgroup
