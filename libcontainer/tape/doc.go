// Package tape assembles system calls into a program: a static ELF image made
// of an interpreter of some hundred instructions, an array of fixed-size
// records (one system call each) and their data. The image is put in a sealed
// memfd and executed, so nothing of the calling binary enters the new process.
//
// A record may take arguments from memory cells (results of earlier calls),
// store its result in a cell, name the errnos it expects, and jump. A failing
// call nobody expected ends the process with status 1 after a report
// {record, errno} was written to the report descriptor; [Program.Step] turns
// the record into the caller's own step number.
//
// The package knows nothing about containers, and must not: it does not
// choose system calls, look at the machine, or keep anything between builds.
// It must never map memory that is both writable and executable, and its
// initialisation must stay empty. It may import the standard library and
// golang.org/x/sys/unix only.
package tape
