// Package netdev moves network devices of the host into a container's network namespace, as
// linux.netDevices asks: renamed in the same step, brought up, with the permanent addresses
// of global scope that they had; and back, from a container that does not come to be. See
// "Network Devices" in the runtime-spec's config-linux.md.
//
// It also makes the pair of virtual Ethernet devices that systemd-nspawn connects a
// container with.
//
// It must never move a device back when a container ends (the spec forbids it: the
// namespace's owner and the kernel do that), nor make other devices, or routes or
// addresses that were not there. It imports vishvananda/netlink.
package netdev
