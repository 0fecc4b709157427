package jsonout

import (
	"slices"
	"strconv"
)

// MaxDepth is how deeply objects and arrays can be nested.
const MaxDepth = 64

// Writer writes one JSON value. The zero Writer is ready for use and writes
// compact JSON. The calls must be those of a grammatical document (a key before
// each value in an object and nowhere else, as many End as Object and Array):
// what else comes out is not JSON, as the calls are fixed in the program's text
// and a test of the caller sees it.
type Writer struct {
	// Pretty puts each member on a line of its own, indented by two spaces
	// a level, as json.MarshalIndent(v, "", "  ") does. Set it first.
	Pretty bool

	buf    []byte
	depth  int
	arrays uint64 // bit n: level n is an array
	filled uint64 // bit n: level n has a member already
	keyed  bool   // a key was just written
}

// Bytes returns what was written. It shares the writer's memory until the next
// call. There is no newline at the end.
func (w *Writer) Bytes() []byte { return w.buf }

// Grow makes room for n more bytes, so that a document of a known size takes
// one allocation.
func (w *Writer) Grow(n int) { w.buf = slices.Grow(w.buf, n) }

// Object begins an object, which End ends.
func (w *Writer) Object() { w.open('{', 0) }

// Array begins an array, which End ends.
func (w *Writer) Array() { w.open('[', 1) }

// End ends the innermost object or array.
func (w *Writer) End() {
	level := uint64(1) << w.depth
	w.depth--
	if w.Pretty && w.filled&level != 0 {
		w.newline()
	}
	if w.arrays&level != 0 {
		w.buf = append(w.buf, ']')
	} else {
		w.buf = append(w.buf, '}')
	}
}

// Key writes a member's name. It returns w: w.Key("pid").Int(1).
func (w *Writer) Key(name string) *Writer {
	w.separate()
	w.buf = AppendString(w.buf, name)
	w.buf = append(w.buf, ':')
	if w.Pretty {
		w.buf = append(w.buf, ' ')
	}
	w.keyed = true
	return w
}

// String writes a string; see AppendString.
func (w *Writer) String(s string) {
	w.value()
	w.buf = AppendString(w.buf, s)
}

// Int writes a number.
func (w *Writer) Int(n int64) {
	w.value()
	w.buf = strconv.AppendInt(w.buf, n, 10)
}

// Uint writes a number.
func (w *Writer) Uint(n uint64) {
	w.value()
	w.buf = strconv.AppendUint(w.buf, n, 10)
}

// Bool writes true or false.
func (w *Writer) Bool(b bool) {
	w.value()
	w.buf = strconv.AppendBool(w.buf, b)
}

// Null writes null.
func (w *Writer) Null() {
	w.value()
	w.buf = append(w.buf, "null"...)
}

// Raw writes a value that is JSON already, as it is: it is neither checked nor
// indented.
func (w *Writer) Raw(json []byte) {
	w.value()
	w.buf = append(w.buf, json...)
}

// Strings writes an array of strings; a nil slice is an empty array.
func (w *Writer) Strings(list []string) {
	w.Array()
	for _, s := range list {
		w.String(s)
	}
	w.End()
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

func (w *Writer) open(bracket byte, array uint64) {
	w.value()
	w.buf = append(w.buf, bracket)
	w.depth++
	if w.depth >= MaxDepth {
		panic("jsonout: nested too deeply")
	}
	level := uint64(1) << w.depth
	w.arrays = w.arrays&^level | array<<w.depth
	w.filled &^= level
}

// value comes before each value: in an array, it separates it from the one
// before.
func (w *Writer) value() {
	if w.keyed {
		w.keyed = false
	} else if w.depth > 0 {
		w.separate()
	}
}

func (w *Writer) separate() {
	level := uint64(1) << w.depth
	if w.filled&level != 0 {
		w.buf = append(w.buf, ',')
	}
	w.filled |= level
	if w.Pretty {
		w.newline()
	}
}

func (w *Writer) newline() {
	w.buf = append(w.buf, '\n')
	for range w.depth {
		w.buf = append(w.buf, "  "...)
	}
}
