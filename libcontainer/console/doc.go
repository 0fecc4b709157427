// Package console is the runtime's side of a container's terminal: it checks the
// master that the init process hands over, sends it to the caller's socket, or
// copies between it and the caller's terminal.
//
// It must never open a terminal by a path, make one the controlling terminal of
// the runtime, or leave the caller's terminal raw. It may import
// containerd/console and x/sys/unix; no net, which would be linked into the
// start of every container.
package console
