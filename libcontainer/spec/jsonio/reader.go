package jsonio

import "unsafe"

// MaxDepth is how deep objects and arrays may nest. The runtime-spec schema needs nine levels.
const MaxDepth = 256

// Reader decodes one document. The zero value reads an empty one; use NewReader.
type Reader struct {
	data []byte
	pos  int
	err  *Error
	// slab holds the elements of string arrays, see Strings.
	slab []string
}

// NewReader reads data, which must not be changed as long as the decoded strings are in use: they share its memory.
func NewReader(data []byte) Reader { return Reader{data: data} }

// UseSlab makes Strings append to slab, which is empty and has room, before it allocates.
func (r *Reader) UseSlab(slab []string) { r.slab = slab }

// Err is the first error, nil when there was none so far. It is not an error value, so that nil stays nil.
func (r *Reader) Err() *Error { return r.err }

// End fails when anything but white space is left.
func (r *Reader) End() {
	if r.peek() != 0 || r.pos < len(r.data) {
		r.fail(r.pos, "unexpected data after the document")
	}
}

// peek skips white space and gives the next byte without consuming it, 0 at the end (and for a NUL byte,
// which no caller accepts).
func (r *Reader) peek() byte {
	for r.pos < len(r.data) {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
			r.pos++
		default:
			return c
		}
	}
	return 0
}

// Null consumes a null and tells whether there was one. Generated code asks it before it allocates.
func (r *Reader) Null() bool {
	if r.peek() != 'n' {
		return false
	}
	return r.word("null")
}

// word consumes a literal name.
func (r *Reader) word(w string) bool {
	if len(r.data)-r.pos >= len(w) && string(r.data[r.pos:r.pos+len(w)]) == w {
		r.pos += len(w)
		return true
	}
	r.failValue("a value")
	return false
}

// Object consumes the start of an object and its first key. It is false for an empty object, for null, and
// after an error. Use:
//
//	for key, ok := r.Object(); ok; key, ok = r.Key() { switch key { …; default: r.Skip() } }
func (r *Reader) Object() (key string, ok bool) {
	if r.peek() != '{' {
		if !r.Null() {
			r.failValue("an object")
		}
		return "", false
	}
	r.pos++
	if r.peek() == '}' {
		r.pos++
		return "", false
	}
	return r.key()
}

// Key consumes what follows a member's value: the next key, or the end of the object, where it is false.
func (r *Reader) Key() (key string, ok bool) {
	switch r.peek() {
	case ',':
		r.pos++
		return r.key()
	case '}':
		r.pos++
	default:
		r.failSyntax("a comma or the end of the object")
	}
	return "", false
}

func (r *Reader) key() (string, bool) {
	if r.peek() != '"' {
		r.failSyntax("a key in double quotes")
		return "", false
	}
	key := r.text()
	if r.peek() != ':' {
		r.failSyntax("a colon after the key")
		return "", false
	}
	r.pos++
	return key, true
}

// Array consumes the start of an array. It is false for an empty array, for null, and after an error. Use:
//
//	for ok := r.Array(); ok; ok = r.Next() { … }
func (r *Reader) Array() bool {
	if r.peek() != '[' {
		if !r.Null() {
			r.failValue("an array")
		}
		return false
	}
	r.pos++
	if r.peek() == ']' {
		r.pos++
		return false
	}
	return true
}

// Next consumes what follows an element: a comma, or the end of the array, where it is false.
func (r *Reader) Next() bool {
	switch r.peek() {
	case ',':
		r.pos++
		return true
	case ']':
		r.pos++
	default:
		r.failSyntax("a comma or the end of the array")
	}
	return false
}

// Bool reads true or false; null is false.
func (r *Reader) Bool() bool {
	switch r.peek() {
	case 't':
		return r.word("true")
	case 'f':
		r.word("false")
	case 'n':
		r.Null()
	default:
		r.failValue("true or false")
	}
	return false
}

// String reads a string; null is the empty one. The result shares memory with the document where it can.
func (r *Reader) String() string {
	if r.peek() != '"' {
		if !r.Null() {
			r.failValue("a string")
		}
		return ""
	}
	return r.text()
}

// Strings reads an array of strings; null is nil, an empty array is not. The elements of all arrays are cut
// from one slab: most of a configuration is lists of strings, and in a fresh process every size class that is
// used for the first time is another page to be faulted in.
func (r *Reader) Strings() []string {
	if r.Null() {
		return nil
	}
	start := len(r.slab)
	for ok := r.Array(); ok; ok = r.Next() {
		if len(r.slab) == cap(r.slab) {
			part := r.slab[start:]
			r.slab = append(make([]string, 0, max(slabSize, 2*len(part))), part...)
			start = 0
		}
		r.slab = append(r.slab, r.String())
	}
	if start == len(r.slab) {
		return []string{}
	}
	return r.slab[start:len(r.slab):len(r.slab)]
}

// slabSize is in elements of 16 bytes.
const slabSize = 64

// Count tells how many elements the array ahead has, at most limit, without consuming it, so that a slice can be
// allocated once. It does not check the syntax: a wrong document gives a wrong count and fails later.
func (r *Reader) Count(limit int) int {
	if r.peek() != '[' {
		return 0
	}
	n, depth := 0, 0
	for i := r.pos; i < len(r.data) && n < limit; i++ {
		switch r.data[i] {
		case '"':
			i = skipText(r.data, i)
		case '[', '{':
			depth++
		case ']', '}':
			if depth--; depth == 0 {
				return n + 1
			}
		case ',':
			if depth == 1 {
				n++
			}
		}
	}
	return min(n, limit)
}

// skipText gives the index of the quote that ends the string which starts at data[i].
func skipText(data []byte, i int) int {
	for i++; i < len(data) && data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i
}

// RequireObject fails when what is ahead is not an object; null is none.
func (r *Reader) RequireObject() {
	if r.peek() != '{' {
		r.failValue("an object")
	}
}

// Raw consumes the value ahead and gives its text, checked for syntax, as part of the document. null is nil.
func (r *Reader) Raw() []byte {
	if r.Null() {
		return nil
	}
	r.peek()
	start := r.pos
	r.Skip()
	if r.err != nil {
		return nil
	}
	return r.data[start:r.pos:r.pos]
}

// RawObject is Raw, but fails when the value is not an object or null.
func (r *Reader) RawObject() []byte {
	if c := r.peek(); c != '{' && c != 'n' {
		r.failValue("an object")
		return nil
	}
	return r.Raw()
}

// view makes a string that shares memory with b, which is not empty.
func view(b []byte) string { return unsafe.String(&b[0], len(b)) }
