// Package bundle makes an OCI bundle of what people have: a directory with a system in it, the tarball of "docker save",
// an OCI image layout, a tar of a root file system, from a file or a stream.
//
// What it is given is recognised by content. The bundle appears complete at its destination or not at all. It must never write
// outside the temporary directory beside the destination, and never start what it unpacks. It may import its own
// sub-packages, libcontainer/spec and libcontainer/nspawn; nothing in libcontainer imports it.
package bundle
