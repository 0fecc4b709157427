// Package boot starts whole systems with the runtime, by its own commands and by engines, on the machine's cgroup layout
// and in a mount namespace with cgroup v2, as root and in user namespaces, and writes what came of it as a Markdown
// table (to the file that BOOT_TABLE names, and to standard output). Its tests have the build tag "boot" (make
// test-boot): they need root, and root file systems that trees.sh makes, or finds in GSPAWN_TREES.
//
// It must never boot a tree in place, nor touch a cgroup outside of fixtures.CgroupParent. It knows the runtime as a
// program, and imports tests/fixtures, tests/pods and tests/require.
package boot
