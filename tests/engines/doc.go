// Package engines drives the runtime through real engines: podman and containerd run, exec into (with and without a
// terminal), pause, stop, kill and remove containers of a busybox image made on the spot, by their own commands and, as
// Kubernetes does, by containerd's CRI, on the machine's own cgroup layout and in a mount namespace with cgroup v2. Its
// tests have the build tag "engines" (make test-engines), since they start daemons.
//
// The runtime is RUNTIME, or bin/gspawn-oci; RUNTIME=runc proves the harness. It must never use an engine's own
// default storage or socket, and it removes what engines leave behind. It imports tests/fixtures, tests/pods and
// tests/require.
package engines
