// Package jsonio reads JSON (RFC 8259) without reflection, for documents whose shape is known when
// the program is compiled. It exists because a runtime decodes one document and exits: encoding/json builds
// its caches for every type anew each time, which costs more than the decoding.
//
// Reader is a pull parser with a sticky error: every method may be called after a failure and then does
// nothing, so code that decodes is a list of assignments and asks for the error once, at the end.
//
// It is stricter than encoding/json: keys are compared exactly, text must be valid UTF-8 with paired
// surrogates, nesting is bounded. Writing is the subject of package jsonout. It may import only the standard
// library, and not encoding/json.
package jsonio
