package jsonio

import (
	"bytes"
	"strconv"
	"strings"
)

// Error says where and how a document is wrong.
type Error struct {
	Offset       int // in bytes from the start of the document
	Line, Column int // 1 is the first; columns are bytes
	// Path is the field, like linux.namespaces[2].type or annotations["a.b"]; empty at the top.
	Path    string
	Problem string
}

// Error is "line 3, column 7: a.b: problem".
func (e *Error) Error() string {
	s := "line " + strconv.Itoa(e.Line) + ", column " + strconv.Itoa(e.Column) + ": "
	if e.Path != "" {
		s += e.Path + ": "
	}
	return s + e.Problem
}

// fail records the first error. The path is found by walking the document again up to the error, so that
// reading keeps no account of it.
func (r *Reader) fail(at int, problem string) {
	if r.err != nil {
		return
	}
	before := r.data[:at]
	r.err = &Error{
		Offset:  at,
		Line:    1 + bytes.Count(before, []byte{'\n'}),
		Column:  at - bytes.LastIndexByte(before, '\n'),
		Path:    pathOf(before),
		Problem: problem,
	}
	// Whatever is read from here on finds the end of the document and fails again, which changes nothing.
	r.data, r.pos = nil, 0
}

func (r *Reader) failEnd() { r.fail(len(r.data), "unexpected end of the document") }

// failValue is for a value of the wrong kind.
func (r *Reader) failValue(expected string) {
	if r.pos >= len(r.data) {
		r.failEnd()
		return
	}
	r.fail(r.pos, "expected "+expected+", found "+r.found())
}

// failSyntax is for a document that is no JSON.
func (r *Reader) failSyntax(expected string) {
	if r.pos >= len(r.data) {
		r.failEnd()
		return
	}
	r.fail(r.pos, "expected "+expected+", found "+strconv.QuoteRune([]rune(string(r.data[r.pos:min(r.pos+4, len(r.data))]))[0]))
}

// found names what begins at pos.
func (r *Reader) found() string {
	c := r.data[r.pos]
	rest := r.data[r.pos:]
	switch {
	case c == '"':
		return "a string"
	case c == '{':
		return "an object"
	case c == '[':
		return "an array"
	case c == '-' || '0' <= c && c <= '9':
		return "a number"
	case bytes.HasPrefix(rest, []byte("true")):
		return "true"
	case bytes.HasPrefix(rest, []byte("false")):
		return "false"
	case bytes.HasPrefix(rest, []byte("null")):
		return "null"
	}
	return strconv.QuoteRune([]rune(string(rest[:min(4, len(rest))]))[0])
}

// level is one open container on the way to an error.
type level struct {
	array bool
	named bool // an object, and key is that of the member under way
	key   string
	index int
}

// pathOf gives the path of the value that begins where before ends. before is the start of a document, and
// well-formed as far as it goes.
func pathOf(before []byte) string {
	var open []level
	wantKey := false
	for i := 0; i < len(before); i++ {
		switch before[i] {
		case '{', '[':
			wantKey = before[i] == '{'
			open = append(open, level{array: !wantKey})
		case '}', ']':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
			wantKey = false
		case ',':
			if len(open) > 0 {
				top := &open[len(open)-1]
				top.index++
				wantKey = !top.array
				top.named = false
			}
		case '"':
			end := skipText(before, i)
			if wantKey && end < len(before) {
				key := Reader{data: before, pos: i}
				top := &open[len(open)-1]
				top.key, top.named = key.text(), true
			}
			wantKey = false
			i = end
		}
	}
	var path []byte
	for _, l := range open {
		switch {
		case l.array:
			path = strconv.AppendInt(append(path, '['), int64(l.index), 10)
			path = append(path, ']')
		case l.named:
			path = AppendField(path, l.key)
		}
	}
	return string(path)
}

// AppendField appends a member's name to a path: ".name", or ["na.me"] where a plain one would be ambiguous.
func AppendField(path []byte, name string) []byte {
	if name == "" || strings.ContainsFunc(name, notInName) {
		path = strconv.AppendQuote(append(path, '['), name)
		return append(path, ']')
	}
	if len(path) > 0 {
		path = append(path, '.')
	}
	return append(path, name...)
}

func notInName(c rune) bool {
	return c != '_' && c != '-' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z')
}
