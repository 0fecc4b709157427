package spec

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/spec/jsonio"
)

// schemaFields are the member names of the schema, and the same folded, for isComparable.
var schemaFields, schemaFolded = collectFields()

func collectFields() (exact, folded map[string]bool) {
	exact, folded = map[string]bool{}, map[string]bool{}
	seen := map[reflect.Type]bool{}
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
			t = t.Elem()
		}
		if t.Kind() != reflect.Struct || seen[t] {
			return
		}
		seen[t] = true
		for f := range t.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			exact[name] = true
			folded[strings.ToLower(name)] = true
			walk(f.Type)
		}
	}
	walk(reflect.TypeFor[specs.Spec]())
	return exact, folded
}

// isComparable tells whether raw has none of the documented differences: a duplicate or wrongly cased name, text
// that is no UTF-8, a surrogate escape, deep nesting, a top that is no object, a wrong type in a foreign section.
func isComparable(raw []byte) bool {
	if !utf8.Valid(raw) || bytes.Contains(bytes.ToLower(raw), []byte(`\ud`)) {
		return false
	}
	if t := bytes.TrimLeft(raw, " \t\r\n"); len(t) == 0 || t[0] != '{' {
		return false
	}
	for _, f := range []string{"solaris", "windows", "vm", "zos", "freebsd"} {
		if bytes.Contains(raw, []byte(f)) {
			return false
		}
	}
	return comparableNames(raw)
}

func comparableNames(raw []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(raw))
	type object struct {
		names map[string]bool // nil for an array
		key   bool            // a name comes next
	}
	var open []object
	for {
		tok, err := dec.Token()
		if err == io.EOF {
			return true
		}
		if err != nil {
			return true // both refuse it, and the test says so
		}
		top := func() *object { return &open[len(open)-1] }
		if s, ok := tok.(string); ok && len(open) > 0 && top().names != nil && top().key {
			if top().names[s] || schemaFolded[strings.ToLower(s)] && !schemaFields[s] || strings.ContainsAny(s, "ſK") {
				return false
			}
			top().names[s] = true
			top().key = false
			continue
		}
		switch tok {
		case json.Delim('{'):
			open = append(open, object{names: map[string]bool{}, key: true})
			continue
		case json.Delim('['):
			open = append(open, object{})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		}
		if len(open) > 0 {
			top().key = true
		}
		if len(open) > jsonio.MaxDepth-8 {
			return false
		}
	}
}

// decodeAll is our decoder, with the seccomp profile that it leaves as text decoded as well.
func decodeAll(raw []byte) (*specs.Spec, error) {
	c, err := Decode(raw)
	if err != nil {
		return nil, err
	}
	if c.Seccomp != nil {
		if err := json.Unmarshal(c.Seccomp, c.Spec.Linux.Seccomp); err != nil {
			return nil, err
		}
	}
	return c.Spec, nil
}

// compareWithStandard fails when ours and encoding/json disagree about raw.
func compareWithStandard(t *testing.T, raw []byte) {
	t.Helper()
	var want specs.Spec
	wantErr := json.Unmarshal(raw, &want)
	got, gotErr := decodeAll(raw)
	if (wantErr == nil) != (gotErr == nil) {
		t.Fatalf("encoding/json says %v, we say %v, of:\n%s", wantErr, gotErr, raw)
	}
	if wantErr != nil {
		return
	}
	if d := cmp.Diff(&want, got); d != "" {
		t.Fatalf("values differ (-encoding/json +ours):\n%s\nof:\n%s", d, raw)
	}
}

// documents are all configurations below testdata that are good.
func documents(t testing.TB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	for _, dir := range []string{"testdata/schema/good", "testdata/config"} {
		names, err := filepath.Glob(dir + "/*.json")
		if err != nil || len(names) == 0 {
			t.Fatalf("no documents in %s: %v", dir, err)
		}
		for _, n := range names {
			raw, err := os.ReadFile(n)
			if err != nil {
				t.Fatal(err)
			}
			out[n] = raw
		}
	}
	return out
}

// clearForeign removes what we do not decode, after checking that its presence is kept.
func clearForeign(t *testing.T, want, got *specs.Spec) {
	t.Helper()
	w, g := reflect.ValueOf(want).Elem(), reflect.ValueOf(got).Elem()
	for _, f := range []string{"Solaris", "Windows", "VM", "ZOS", "FreeBSD"} {
		if w.FieldByName(f).IsNil() != g.FieldByName(f).IsNil() {
			t.Errorf("%s: presence is lost", f)
		}
		w.FieldByName(f).SetZero()
		g.FieldByName(f).SetZero()
	}
}

func TestDecodeIsWhatEncodingJSONGives(t *testing.T) {
	for name, raw := range documents(t) {
		t.Run(filepath.Base(name), func(t *testing.T) {
			var want specs.Spec
			if err := json.Unmarshal(raw, &want); err != nil {
				t.Fatal(err)
			}
			got, err := decodeAll(raw)
			if err != nil {
				t.Fatal(err)
			}
			clearForeign(t, &want, got)
			if d := cmp.Diff(&want, got); d != "" {
				t.Errorf("values differ (-encoding/json +ours):\n%s", d)
			}
		})
	}
}

// TestDecodeEveryField fills every field of the schema by reflection, so that no member can be forgotten or
// misnamed by the generator.
func TestDecodeEveryField(t *testing.T) {
	var want specs.Spec
	n := 0
	fill(reflect.ValueOf(&want).Elem(), &n)
	raw, err := json.Marshal(&want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeAll(raw)
	if err != nil {
		t.Fatal(err)
	}
	clearForeign(t, &want, got)
	if d := cmp.Diff(&want, got); d != "" {
		t.Errorf("values differ (-encoding/json +ours):\n%s", d)
	}
	if n < 200 {
		t.Errorf("only %d fields were filled", n)
	}
}

// fill gives every scalar below v a value of its own.
func fill(v reflect.Value, n *int) {
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for _, f := range v.Fields() {
			fill(f, n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fill(v.Index(0), n)
		fill(v.Index(1), n)
	case reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		fill(e, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf("a.\"key\"\n"), e)
	default:
		*n++
		fillScalar(v, *n)
	}
}

func fillScalar(v reflect.Value, n int) {
	switch {
	case v.Kind() == reflect.String:
		v.SetString(strings.Repeat("é\u2028\x00\"", n%7) + "x")
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanInt():
		v.SetInt(-int64(n))
	case v.CanUint():
		v.SetUint(uint64(n))
	}
}
