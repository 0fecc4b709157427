package jsonio

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// write writes a document that has everything in it.
func write(indent string) string {
	w := Writer{Indent: indent}
	w.Object()
	w.Key("id")
	w.String("a\"b")
	w.Key("n")
	w.Int(-5)
	w.Key("list")
	w.Array()
	w.Uint(1<<64 - 1)
	w.Bool(true)
	w.Null()
	w.Object()
	w.EndObject()
	w.Array()
	w.EndArray()
	w.EndArray()
	w.Key("args")
	w.Strings([]string{"a", "b"})
	w.Key("none")
	w.Strings(nil)
	w.Key("raw")
	w.Raw([]byte(`{"x":1}`))
	w.EndObject()
	return string(w.Buf)
}

func TestWriter(t *testing.T) {
	const line = `{"id":"a\"b","n":-5,"list":[18446744073709551615,true,null,{},[]],"args":["a","b"],"none":null,"raw":{"x":1}}`
	if got := write(""); got != line {
		t.Errorf("without white space:\n got %s\nwant %s", got, line)
	}
	const indented = `{
  "id": "a\"b",
  "n": -5,
  "list": [
    18446744073709551615,
    true,
    null,
    {},
    []
  ],
  "args": [
    "a",
    "b"
  ],
  "none": null,
  "raw": {"x":1}
}`
	if got := write("  "); got != indented {
		t.Errorf("indented:\n%s", got)
	}
}

// FuzzString says that what is written is what is read, by encoding/json and by our reader.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "plain", "\"\\/\b\f\n\r\t\x00\x1f\x7f", "é\u2028𝄞", "a\xff\xc3b", "<&>"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw := AppendString(nil, s)
		var std string
		if err := json.Unmarshal(raw, &std); err != nil {
			t.Fatalf("encoding/json refuses %s: %v", raw, err)
		}
		if utf8.ValidString(s) && std != s {
			t.Fatalf("%q becomes %q", s, std)
		}
		r := NewReader(raw)
		got := r.String()
		if r.End(); r.Err() != nil || got != std {
			t.Fatalf("the reader gives %q, %v, encoding/json %q", got, r.Err(), std)
		}
	})
}
