// Package hooks runs the hooks of the OCI configuration, and writes the
// container state they read.
//
// It must never wait for a process it did not start, hand a hook a descriptor but
// its three streams, or decide what a failed hook means for the container: see
// Group.
//
// It may import the specification's types, jsonout and x/sys/unix; no os/exec,
// which would be linked into the start of every container.
package hooks
