// Package layer applies tar layers to a tree, as the image specification says: whiteouts, opaque directories, hard links
// across layers, and all the metadata that a tar can carry.
//
// An image is hostile until proven otherwise. Every name is resolved by the kernel below a descriptor of the tree
// (openat2 with RESOLVE_IN_ROOT or stricter), every object is made by a call relative to a directory's descriptor that
// does not follow a link in the last component, and no path of the host is ever joined with one of the image. The
// package must never act outside the descriptor it was given, and its memory must not grow with the image but for
// eight bytes an entry of the layer at hand. It may import the standard library and golang.org/x/sys/unix.
//
// The caller sets the process's umask to 0 while layers are applied.
package layer
