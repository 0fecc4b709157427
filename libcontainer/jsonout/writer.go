package jsonout

import (
	"slices"
	"strconv"
)

// MaxDepth is how deeply objects can be nested.
const MaxDepth = 64

// Writer writes one JSON value. The zero Writer is ready for use and writes
// compact JSON. The calls must be those of a grammatical document (a key before
// each value in an object and nowhere else, as many End as Object): what else
// comes out is not JSON, as the calls are fixed in the program's text and a test
// of the caller sees it.
type Writer struct {
	// Pretty puts each member on a line of its own, indented by two spaces
	// a level, as json.MarshalIndent(v, "", "  ") does. Set it first.
	Pretty bool

	buf    []byte
	depth  int
	filled uint64 // bit n: level n has a member already
}

// Bytes returns what was written. It shares the writer's memory until the next
// call. There is no newline at the end.
func (w *Writer) Bytes() []byte { return w.buf }

// Grow makes room for n more bytes, so that a document of a known size takes
// one allocation.
func (w *Writer) Grow(n int) { w.buf = slices.Grow(w.buf, n) }

// Object begins an object, which End ends.
func (w *Writer) Object() {
	w.buf = append(w.buf, '{')
	w.depth++
	if w.depth >= MaxDepth {
		panic("jsonout: nested too deeply")
	}
	w.filled &^= uint64(1) << w.depth
}

// End ends the innermost object.
func (w *Writer) End() {
	level := uint64(1) << w.depth
	w.depth--
	if w.Pretty && w.filled&level != 0 {
		w.newline()
	}
	w.buf = append(w.buf, '}')
}

// Key writes a member's name. It returns w: w.Key("pid").Int(1).
func (w *Writer) Key(name string) *Writer {
	level := uint64(1) << w.depth
	if w.filled&level != 0 {
		w.buf = append(w.buf, ',')
	}
	w.filled |= level
	if w.Pretty {
		w.newline()
	}
	w.buf = AppendString(w.buf, name)
	w.buf = append(w.buf, ':')
	if w.Pretty {
		w.buf = append(w.buf, ' ')
	}
	return w
}

// String writes a string; see AppendString.
func (w *Writer) String(s string) {
	w.buf = AppendString(w.buf, s)
}

// Int writes a number.
func (w *Writer) Int(n int64) {
	w.buf = strconv.AppendInt(w.buf, n, 10)
}

// Uint writes a number.
func (w *Writer) Uint(n uint64) {
	w.buf = strconv.AppendUint(w.buf, n, 10)
}

// Bool writes true or false.
func (w *Writer) Bool(b bool) {
	w.buf = strconv.AppendBool(w.buf, b)
}

// StringMap writes an object of strings sorted by key; a nil map is an empty
// object.
func (w *Writer) StringMap(m map[string]string) {
	w.Object()
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		w.Key(k).String(m[k])
	}
	w.End()
}

func (w *Writer) newline() {
	w.buf = append(w.buf, '\n')
	for range w.depth {
		w.buf = append(w.buf, "  "...)
	}
}
