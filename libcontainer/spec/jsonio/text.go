package jsonio

import (
	"unicode/utf16"
	"unicode/utf8"
)

// text reads a string, whose first quote is at pos.
func (r *Reader) text() string {
	start := r.pos + 1
	data := r.data
	for i := start; i < len(data); i++ {
		switch c := data[i]; {
		case c == '"':
			r.pos = i + 1
			if i == start {
				return ""
			}
			return view(data[start:i])
		case c < ' ' || c == '\\' || c >= utf8.RuneSelf:
			return r.textSlow(start, i)
		}
	}
	r.failEnd()
	return ""
}

// textSlow reads a string from start on, of which the bytes before i need no attention. It copies only when
// there is an escape.
func (r *Reader) textSlow(start, i int) string {
	var out []byte // what is decoded so far, up to done
	done := start
	for i < len(r.data) {
		switch c := r.data[i]; {
		case c == '"':
			r.pos = i + 1
			if out == nil {
				return view(r.data[start:i])
			}
			return string(append(out, r.data[done:i]...))
		case c == '\\':
			out = append(out, r.data[done:i]...)
			if out, i = r.escape(out, i); r.err != nil {
				return ""
			}
			done = i
		case c < ' ':
			r.fail(i, "control character in a string; it must be written as an escape")
			return ""
		case c < utf8.RuneSelf:
			i++
		default:
			c, n := utf8.DecodeRune(r.data[i:])
			if c == utf8.RuneError && n == 1 {
				r.fail(i, "invalid UTF-8 in a string")
				return ""
			}
			i += n
		}
	}
	r.failEnd()
	return ""
}

// escape appends the character of the escape at i, and gives the index after it.
func (r *Reader) escape(out []byte, i int) ([]byte, int) {
	if i+1 >= len(r.data) {
		r.failEnd()
		return out, i
	}
	const plain, meant = `"\/bfnrt`, "\"\\/\b\f\n\r\t"
	c := r.data[i+1]
	if c == 'u' {
		return r.escapeUnicode(out, i)
	}
	for k := range len(plain) {
		if plain[k] == c {
			return append(out, meant[k]), i + 2
		}
	}
	r.fail(i, "unknown escape in a string")
	return out, i
}

// escapeUnicode is escape for \uXXXX and for a pair of them that makes one character.
func (r *Reader) escapeUnicode(out []byte, i int) ([]byte, int) {
	c, ok := hex4(r.data, i+2)
	if !ok {
		r.fail(i, "unknown escape in a string: four hexadecimal digits must follow \\u")
		return out, i
	}
	if !utf16.IsSurrogate(c) {
		return utf8.AppendRune(out, c), i + 6
	}
	if i+7 < len(r.data) && r.data[i+6] == '\\' && r.data[i+7] == 'u' {
		if low, ok := hex4(r.data, i+8); ok {
			if c = utf16.DecodeRune(c, low); c != utf8.RuneError {
				return utf8.AppendRune(out, c), i + 12
			}
		}
	}
	r.fail(i, "unpaired surrogate in a string")
	return out, i
}

func hex4(data []byte, i int) (rune, bool) {
	if i+4 > len(data) {
		return 0, false
	}
	var v rune
	for _, c := range data[i : i+4] {
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		v = v<<4 | rune(c)
	}
	return v, true
}
