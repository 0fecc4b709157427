package jsonio

import (
	"strconv"
	"unicode/utf8"
)

// Writer appends one JSON document to Buf. It is for documents of a known shape: it puts the commas, and trusts
// its caller that objects have keys and that what is opened is closed. The zero value writes without white space.
//
//	w := jsonio.Writer{}
//	w.Object()
//	w.Key("id"); w.String(id)
//	w.Key("pid"); w.Int(int64(pid))
//	w.EndObject()
type Writer struct {
	Buf []byte
	// Indent is put once a level at the start of lines; without it, everything is one line.
	Indent string

	depth int
	// first tells that nothing stands in the container under way; pending, that a key waits for its value.
	first, pending bool
}

// Object starts an object.
func (w *Writer) Object() { w.open('{') }

// EndObject ends the object under way.
func (w *Writer) EndObject() { w.close('}') }

// Array starts an array.
func (w *Writer) Array() { w.open('[') }

// EndArray ends the array under way.
func (w *Writer) EndArray() { w.close(']') }

// Key writes the name of the member whose value comes next.
func (w *Writer) Key(name string) {
	w.before()
	w.Buf = AppendString(w.Buf, name)
	w.Buf = append(w.Buf, ':')
	if w.Indent != "" {
		w.Buf = append(w.Buf, ' ')
	}
	w.pending = true
}

// String writes a string, see AppendString.
func (w *Writer) String(s string) {
	w.before()
	w.Buf = AppendString(w.Buf, s)
}

// Int writes an integer.
func (w *Writer) Int(n int64) {
	w.before()
	w.Buf = strconv.AppendInt(w.Buf, n, 10)
}

// Uint writes an integer.
func (w *Writer) Uint(n uint64) {
	w.before()
	w.Buf = strconv.AppendUint(w.Buf, n, 10)
}

// Bool writes true or false.
func (w *Writer) Bool(b bool) {
	w.before()
	w.Buf = strconv.AppendBool(w.Buf, b)
}

// Null writes null.
func (w *Writer) Null() {
	w.before()
	w.Buf = append(w.Buf, "null"...)
}

// Raw writes text that is JSON already.
func (w *Writer) Raw(text []byte) {
	w.before()
	w.Buf = append(w.Buf, text...)
}

// Strings writes an array of strings; nil is null, as encoding/json has it.
func (w *Writer) Strings(list []string) {
	if list == nil {
		w.Null()
		return
	}
	w.Array()
	for _, s := range list {
		w.String(s)
	}
	w.EndArray()
}

func (w *Writer) open(c byte) {
	w.before()
	w.Buf = append(w.Buf, c)
	w.depth++
	w.first = true
}

func (w *Writer) close(c byte) {
	w.depth--
	if !w.first {
		w.newLine()
	}
	w.Buf = append(w.Buf, c)
	w.first = false
}

// before puts what stands between the last value and this one.
func (w *Writer) before() {
	if w.pending {
		w.pending = false
		return
	}
	if w.depth == 0 {
		return
	}
	if !w.first {
		w.Buf = append(w.Buf, ',')
	}
	w.first = false
	w.newLine()
}

func (w *Writer) newLine() {
	if w.Indent == "" {
		return
	}
	w.Buf = append(w.Buf, '\n')
	for range w.depth {
		w.Buf = append(w.Buf, w.Indent...)
	}
}

// AppendString appends s in quotes. Only what must be escaped is, so < and & stay as they are; bytes that are no
// UTF-8 become U+FFFD, as with encoding/json.
func AppendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	done := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && n == 1 {
				b = append(append(b, s[done:i]...), "\uFFFD"...)
				done = i + 1
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[done:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		case '\r':
			b = append(b, '\\', 'r')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		i++
		done = i
	}
	return append(append(b, s[done:]...), '"')
}
