package jsonio

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

// read decodes what the tests below use: {"i": int8, "u": uint16, "b": bool, "s": string, "l": [string], "o": {…}}.
func read(doc string) (l []string, err *Error) {
	r := NewReader([]byte(doc))
	for key, ok := r.Object(); ok; key, ok = r.Key() {
		switch key {
		case "i":
			r.Int(8)
		case "u":
			r.Uint(16)
		case "b":
			r.Bool()
		case "s":
			_ = r.String()
		case "l":
			l = r.Strings()
		case "o":
			r.RawObject()
		default:
			r.Skip()
		}
	}
	r.End()
	return l, r.Err()
}

func TestErrors(t *testing.T) {
	for doc, want := range map[string]string{
		``:                           "line 1, column 1: unexpected end of the document",
		`{`:                          "line 1, column 2: unexpected end of the document",
		`[]`:                         "line 1, column 1: expected an object, found an array",
		`{} x`:                       "line 1, column 4: unexpected data after the document",
		"{}\x00":                     "line 1, column 3: unexpected data after the document",
		`{"i":128}`:                  "line 1, column 6: i: expected an integer from -128 to 127, found 128",
		`{"i":-129}`:                 "line 1, column 6: i: expected an integer from -128 to 127, found -129",
		`{"i":1.0}`:                  "line 1, column 6: i: expected an integer, found the number 1.0",
		`{"i":1e2}`:                  "line 1, column 6: i: expected an integer, found the number 1e2",
		`{"i":-}`:                    "line 1, column 6: i: malformed number",
		`{"i":01}`:                   "line 1, column 6: i: malformed number",
		`{"i":1.}`:                   "line 1, column 6: i: malformed number",
		`{"i":1e}`:                   "line 1, column 6: i: malformed number",
		`{"i":"1"}`:                  "line 1, column 6: i: expected an integer, found a string",
		`{"u":-1}`:                   "line 1, column 6: u: expected an integer from 0 to 65535, found -1",
		`{"u":65536}`:                "line 1, column 6: u: expected an integer from 0 to 65535, found 65536",
		`{"u":18446744073709551616}`: "line 1, column 6: u: expected an integer of 64 bits, found 18446744073709551616",
		`{"b":1}`:                    "line 1, column 6: b: expected true or false, found a number",
		`{"b":tru}`:                  "line 1, column 6: b: expected a value, found 't'",
		`{"s":{}}`:                   "line 1, column 6: s: expected a string, found an object",
		`{"s":"a`:                    "line 1, column 8: s: unexpected end of the document",
		"{\"s\":\"a\nb\"}":           "line 1, column 8: s: control character in a string; it must be written as an escape",
		`{"s":"\x"}`:                 "line 1, column 7: s: unknown escape in a string",
		`{"s":"\u12g4"}`:             "line 1, column 7: s: unknown escape in a string: four hexadecimal digits must follow \\u",
		`{"s":"\ud800"}`:             "line 1, column 7: s: unpaired surrogate in a string",
		`{"s":"\ud800\u0041"}`:       "line 1, column 7: s: unpaired surrogate in a string",
		`{"s":"\`:                    "line 1, column 8: s: unexpected end of the document",
		"{\"s\":\"a\xffb\"}":         "line 1, column 8: s: invalid UTF-8 in a string",
		"{\n \"l\": [\"a\",\n 1]}":   "line 3, column 2: l[1]: expected a string, found a number",
		`{"l":["a" "b"]}`:            `line 1, column 11: l[0]: expected a comma or the end of the array, found '"'`,
		`{"l":["a",]}`:               "line 1, column 11: l[1]: expected a string, found ']'",
		`{"s":"a" "i":1}`:            `line 1, column 10: s: expected a comma or the end of the object, found '"'`,
		`{"s":"a",}`:                 "line 1, column 10: expected a key in double quotes, found '}'",
		`{"s" 1}`:                    "line 1, column 6: s: expected a colon after the key, found '1'",
		`{s:1}`:                      "line 1, column 2: expected a key in double quotes, found 's'",
		`{"o":[]}`:                   "line 1, column 6: o: expected an object, found an array",
		`{"o":{"a.b":[{"c":x}]}}`:    `line 1, column 19: o["a.b"][0].c: expected a value, found 'x'`,
		`{"x":[1,{"y":nul}]}`:        "line 1, column 14: x[1].y: expected a value, found 'n'",
		`{"x":[}`:                    "line 1, column 7: x[0]: expected a value, found '}'",
		`{"x":{"a":1]}`:              "line 1, column 12: x.a: expected a comma or the end of the object, found ']'",
	} {
		_, err := read(doc)
		if err == nil || err.Error() != want {
			t.Errorf("%q:\n got %v\nwant %s", doc, err, want)
		}
	}
}

func TestDepth(t *testing.T) {
	nested := func(n int) string {
		return `{"x":` + strings.Repeat("[", n) + strings.Repeat("]", n) + "}"
	}
	if _, err := read(nested(MaxDepth)); err != nil {
		t.Errorf("%d levels: %v", MaxDepth, err)
	}
	if _, err := read(nested(MaxDepth + 1)); err == nil || err.Problem != "nested too deeply" {
		t.Errorf("%d levels: %v", MaxDepth+1, err)
	}
	if _, err := read(`{"x":` + strings.Repeat(`{"a":[`, 1<<20)); err == nil || err.Problem != "nested too deeply" {
		t.Errorf("a million levels: %v", err)
	}
}

func TestStringsKeepApart(t *testing.T) {
	// More than one slab, so that arrays begin in one and end in the next.
	var want [][]string
	r := NewReader(nil)
	r.UseSlab(make([]string, 0, 5))
	var got [][]string
	for n := range 40 {
		list := make([]string, n)
		for i := range list {
			list[i] = strings.Repeat("x", n) + string(rune('a'+i%26))
		}
		raw, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		r.data, r.pos = raw, 0
		want, got = append(want, list), append(got, r.Strings())
	}
	for i := range want {
		if !slices.Equal(want[i], got[i]) || len(got[i]) != cap(got[i]) && i > 0 {
			t.Errorf("array %d is %q (capacity %d), want %q", i, got[i], cap(got[i]), want[i])
		}
	}
}

func TestCount(t *testing.T) {
	for doc, want := range map[string]int{
		`[1,2,3]`: 3, ` [[1,2],{"a":",","b":[1]}]`: 2, `["a,b","\",["]`: 2, `null`: 0, `[1,2`: 1, `[,,,,,,,,]`: 5,
	} {
		r := NewReader([]byte(doc))
		if got := r.Count(5); got != want {
			t.Errorf("Count of %s is %d, want %d", doc, got, want)
		}
	}
}

// FuzzSkip compares what is accepted with encoding/json, for documents of any shape.
func FuzzSkip(f *testing.F) {
	for _, s := range []string{`{"a":[1,-0.5e+3,true,null,"x\u00e9\ud834\udd1e"],"b":{}}`, `[]`, ` "a" `, `-`, `[1,]`, `{"a"}`, `nul`, "\"\xff\"", `"\ud800"`, `1E700`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, doc []byte) {
		r := NewReader(doc)
		r.Skip()
		r.End()
		// The grammar alone: a number too large for a float64 is a matter of whoever reads it.
		valid := json.Valid(doc)
		if r.Err() == nil && !valid {
			t.Fatalf("we accept what encoding/json refuses: %q", doc)
		}
		if e := r.Err(); e != nil && valid {
			switch e.Problem {
			case "invalid UTF-8 in a string", "unpaired surrogate in a string", "nested too deeply":
			default:
				t.Fatalf("we refuse what encoding/json accepts, with %v: %q", e, doc)
			}
		}
	})
}

// FuzzString says that a string is read as encoding/json has written it.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é\u2028𝄞", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return // encoding/json writes something else then
		}
		raw, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(raw)
		got := r.String()
		if r.End(); r.Err() != nil || got != s {
			t.Fatalf("%s is read as %q, %v", raw, got, r.Err())
		}
	})
}
