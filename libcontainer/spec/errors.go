package spec

import (
	"strconv"
	"strings"
)

// DecodeError says where a document is not what the schema wants.
type DecodeError struct {
	File   string // path of the file, empty when the document did not come from one
	Line   int    // 1 is the first
	Column int    // in bytes, 1 is the first
	Path   string // the field, like linux.resources.memory.limit or mounts[3].options[0]; empty at the top
	// Problem is what is wrong, like "expected an integer, found a string".
	Problem string
}

// Error is like "/b/config.json:12:34: linux.resources.memory.limit: expected an integer, found a string".
func (e *DecodeError) Error() string {
	var b strings.Builder
	if e.File != "" {
		b.WriteString(e.File)
		b.WriteByte(':')
	} else {
		b.WriteString("line ")
	}
	b.WriteString(strconv.Itoa(e.Line))
	b.WriteByte(':')
	b.WriteString(strconv.Itoa(e.Column))
	b.WriteString(": ")
	if e.Path != "" {
		b.WriteString(e.Path)
		b.WriteString(": ")
	}
	b.WriteString(e.Problem)
	return b.String()
}

// FieldError is one finding of Validate, or of who finds that a valid value cannot be honoured.
type FieldError struct {
	Path    string // the field, like process.cwd or linux.namespaces[2].type
	Problem string // what is wrong with it, lower case, without the path
}

// Error is "path: problem".
func (e FieldError) Error() string { return e.Path + ": " + e.Problem }

// Errors is everything that Validate found, in the order of the document's fields. It is never empty when
// it is returned as an error.
type Errors []FieldError

// Error is one finding a line, so that the first line is a sentence of its own for callers that show one line.
func (e Errors) Error() string {
	var b strings.Builder
	for i, f := range e {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(f.Error())
	}
	return b.String()
}

// Unwrap lets errors.Is and errors.As see every finding.
func (e Errors) Unwrap() []error {
	out := make([]error, len(e))
	for i, f := range e {
		out[i] = f
	}
	return out
}
