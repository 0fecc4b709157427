package jsonout

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// standard is what encoding/json makes of v without HTML escaping.
func standard(t testing.TB, v any, pretty bool) string {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if pretty {
		e.SetIndent("", "  ")
	}
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func TestAppendString(t *testing.T) {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	tests := map[string]string{
		"empty":           "",
		"plain":           "/run/containers/web-1",
		"HTML":            "<a href='x'>&amp;</a>",
		"quotes":          `say "hi" \ bye`,
		"controls":        "\x00\x01\b\t\n\v\f\r\x1f\x7f",
		"UTF-8":           "grüße 世界 \U0001F600",
		"line separators": "a\u2028b\u2029c\u202a",
		"every byte":      string(all),
		"truncated rune":  "x\xe4\xb8",
		"real U+FFFD":     "\ufffd",
		"surrogate bytes": "\xed\xa0\x80",
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			if got, want := string(AppendString(nil, s)), standard(t, s, false); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func FuzzAppendString(f *testing.F) {
	f.Add("a\xff\u2028\"")
	f.Add("\x7f\x00é")
	f.Fuzz(func(t *testing.T, s string) {
		if got, want := string(AppendString(nil, s)), standard(t, s, false); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}

type inner struct {
	On  bool              `json:"on"`
	Map map[string]string `json:"map"`
}

type document struct {
	ID    string                      `json:"id"`
	Pid   int64                       `json:"pid"`
	Ticks uint64                      `json:"ticks"`
	Empty map[string]string           `json:"empty"`
	Inner inner                       `json:"inner"`
	Deep  map[string]map[string]inner `json:"deep"`
	Last  bool                        `json:"last"`
}

func writeInner(w *Writer, i inner) {
	w.Object()
	w.Key("on").Bool(i.On)
	w.Key("map").StringMap(i.Map)
	w.End()
}

func write(w *Writer, d document) {
	w.Object()
	w.Key("id").String(d.ID)
	w.Key("pid").Int(d.Pid)
	w.Key("ticks").Uint(d.Ticks)
	w.Key("empty").StringMap(d.Empty)
	w.Key("inner")
	writeInner(w, d.Inner)
	w.Key("deep").Object()
	for k, middle := range d.Deep {
		w.Key(k).Object()
		for k, i := range middle {
			w.Key(k)
			writeInner(w, i)
		}
		w.End()
	}
	w.End()
	w.Key("last").Bool(d.Last)
	w.End()
}

func TestWriter(t *testing.T) {
	d := document{
		ID: "a\"b", Pid: -3, Ticks: 1<<64 - 1,
		Empty: map[string]string{},
		Inner: inner{On: true, Map: map[string]string{"b": "2", "a": "1", "<": ">"}},
		Deep:  map[string]map[string]inner{"k": {"l": {Map: map[string]string{}}}},
		Last:  true,
	}
	for _, pretty := range []bool{false, true} {
		w := Writer{Pretty: pretty}
		write(&w, d)
		if got, want := string(w.Bytes()), standard(t, d, pretty); got != want {
			t.Errorf("pretty %v:\ngot  %s\nwant %s", pretty, got, want)
		}
	}
}

func TestWriterNil(t *testing.T) {
	var w Writer
	w.StringMap(nil)
	if got := string(w.Bytes()); got != "{}" {
		t.Errorf("got %s", got)
	}
}

func TestWriterAllocations(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		var w Writer
		w.Grow(256)
		w.Object()
		w.Key("id").String("c1")
		w.Key("pid").Int(7)
		w.End()
	}); n > 1 {
		t.Errorf("%v allocations, want 1", n)
	}
}
