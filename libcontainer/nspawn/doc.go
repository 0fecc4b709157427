// Package nspawn holds what systemd-nspawn means by booting a container, as
// far as the runtime needs it on its way to every container: telling whether a
// process is an init (Detect), deciding on boot mode (Decide), and saying what
// boot mode adds to a bundle (Adapt), each with its reason.
//
// All but the tree accessor and the configuration reader is pure: facts about
// the host are parameters. The package is linked into the runtime's start path,
// so it has no initialisation, no maps or regular expressions at package level,
// and costs an application container no system call.
//
// It must never change the machine, the bundle or the tree. It imports the
// standard library, the OCI types, golang.org/x/sys/unix in _linux files, the
// packages spec, annotation and rlimit, and its own pure sub-packages. What a
// system alone needs lives below: naming (machine names, interfaces,
// addresses), machined and notify, treelock and lockfile; and what `import`
// alone does: profile (the bundles that we write), syscalls (systemd's groups),
// settings (.nspawn files), uidrange (private users).
package nspawn
