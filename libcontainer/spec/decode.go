package spec

import (
	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/spec/jsonio"
)

//go:generate go run ./internal/gen decode_gen.go

// The decoder differs from encoding/json in these points, and only in these:
//   - member names are compared exactly, "OCIVersion" is an unknown name;
//   - of members with the same name the last wins whole, objects are not merged, and null resets the field;
//   - invalid UTF-8 and unpaired surrogates are errors, not silently another character: half of what is
//     decoded are paths;
//   - nesting is limited to jsonio.MaxDepth, and the document itself may not be null;
//   - sections for other platforms are checked for syntax only.
//
// Unknown members are skipped, as the specification demands (config.md, Extensibility).

// Decode decodes a configuration. Config keeps raw, which must not be changed afterwards.
// The error is a *DecodeError.
func Decode(raw []byte) (*Config, error) {
	d := new(decoder)
	c := &d.pool.config
	if err := decodeDocument(d, raw, decodeSpec, &d.pool.spec); err != nil {
		return nil, err
	}
	*c = Config{Spec: &d.pool.spec, Raw: raw, Seccomp: d.seccomp}
	return c, nil
}

// DecodeProcess decodes a process object, as exec --process takes it. The error is a *DecodeError.
func DecodeProcess(raw []byte) (*specs.Process, error) {
	d := new(decoder)
	if err := decodeDocument(d, raw, decodeProcess, &d.pool.process); err != nil {
		return nil, err
	}
	return &d.pool.process, nil
}

// DecodeResources decodes a resources object, as update --resources takes it. The error is a *DecodeError.
func DecodeResources(raw []byte) (*specs.LinuxResources, error) {
	r := new(specs.LinuxResources)
	if err := decodeDocument(new(decoder), raw, decodeLinuxResources, r); err != nil {
		return nil, err
	}
	return r, nil
}

// decoder is a reader with what the generated functions leave behind.
type decoder struct {
	jsonio.Reader
	seccomp []byte
	pool    pool
}

// pool holds what every configuration has, in one allocation: in a fresh process, every size class that is used
// for the first time is another page to be faulted in. A member that occurs twice replaces its first value,
// so that no object is used for two.
type pool struct {
	config    Config
	spec      specs.Spec
	process   specs.Process
	caps      specs.LinuxCapabilities
	root      specs.Root
	linux     specs.Linux
	resources specs.LinuxResources
	strings   [200]string
}

// decodeDocument decodes the whole of raw into v.
func decodeDocument[T any](d *decoder, raw []byte, decode func(*decoder, *T), v *T) error {
	d.Reader = jsonio.NewReader(raw)
	d.UseSlab(d.pool.strings[:0])
	d.RequireObject()
	decode(d, v)
	d.End()
	if err := d.Err(); err != nil {
		return &DecodeError{Line: err.Line, Column: err.Column, Path: err.Path, Problem: err.Problem}
	}
	return nil
}

// reset gives p as new.
func reset[T any](p *T) *T {
	var zero T
	*p = zero
	return p
}

// keepSeccomp keeps the text of linux.seccomp and gives the marker that Config.Seccomp describes.
func (d *decoder) keepSeccomp() *specs.LinuxSeccomp {
	if d.seccomp = d.RawObject(); d.seccomp == nil {
		return nil
	}
	return new(specs.LinuxSeccomp)
}

// foreignSection skips a section for another platform, and keeps that it was there.
func foreignSection[T any](d *decoder) *T {
	if d.RawObject() == nil {
		return nil
	}
	return new(T)
}

// pointer reads an optional scalar.
func pointer[T any](d *decoder, read func(*decoder) T) *T {
	if d.Null() {
		return nil
	}
	v := read(d)
	return &v
}

// presize is the most elements that are allocated for an array on the word of its commas alone.
const presize = 128

// slice reads an array of objects; null is nil, an empty array is not.
func slice[T any](d *decoder, read func(*decoder, *T)) []T {
	if d.Null() {
		return nil
	}
	out := make([]T, 0, d.Count(presize))
	for ok := d.Array(); ok; ok = d.Next() {
		var zero T
		out = append(out, zero)
		read(d, &out[len(out)-1])
	}
	return out
}

// scalars reads an array of anything but string and objects.
func scalars[T any](d *decoder, read func(*decoder) T) []T {
	if d.Null() {
		return nil
	}
	out := make([]T, 0, d.Count(presize))
	for ok := d.Array(); ok; ok = d.Next() {
		out = append(out, read(d))
	}
	return out
}

// mapping reads an object of objects.
func mapping[T any](d *decoder, read func(*decoder, *T)) map[string]T {
	if d.Null() {
		return nil
	}
	out := make(map[string]T)
	for key, ok := d.Object(); ok; key, ok = d.Key() {
		var v T
		read(d, &v)
		out[key] = v
	}
	return out
}

// scalarMap reads an object of scalars.
func scalarMap[T any](d *decoder, read func(*decoder) T) map[string]T {
	if d.Null() {
		return nil
	}
	out := make(map[string]T)
	for key, ok := d.Object(); ok; key, ok = d.Key() {
		out[key] = read(d)
	}
	return out
}
