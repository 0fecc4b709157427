// Package arch keeps the shape of the source: who may import whom, how long a
// file or a function may get, which packages build on any system, and that
// docs/create.md tells what the plan does.
//
// It reads source files and asks the go command; it builds nothing but the
// pure packages, starts no container and needs no privilege.
package arch
