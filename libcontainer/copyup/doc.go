// Package copyup fills a new tmpfs with what was in the directory that it is
// going to be mounted on: the mount option tmpcopyup.
//
// It works from outside of the container, on descriptors that its init process
// opened. It must never follow a symbolic link, leave the two directories, cross
// into another mount, open anything but directories and regular files, or read
// for the container what the container's own root may not read. It may import
// x/sys/unix, and reaches open files by /proc/self/fd.
package copyup
