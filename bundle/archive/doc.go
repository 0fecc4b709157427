// Package archive gives access by name to the files of an image: in a directory (an OCI layout) or in a tar file
// (docker save, podman's docker-archive, an OCI layout in a tar), and says of a tar file whether it is an image at all
// or a root file system.
//
// It must never follow a name out of the directory it was given, never read a blob into memory whole, and never
// interpret what the files say. It may import the standard library and golang.org/x/sys/unix.
package archive
