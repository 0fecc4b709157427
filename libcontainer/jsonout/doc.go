// Package jsonout writes JSON by appending to one buffer: the state of a
// container for its hooks, for the state file and for the command line.
//
// It is what encoding/json would write with SetEscapeHTML(false), for the few
// kinds of values the runtime has, without reflection and without the start-up
// cost of that package. It must never guess: the order of the members is the
// order of the calls, and nothing is left out because it is empty.
//
// It imports nothing but the standard library's leaves and compiles on any
// system.
package jsonout
