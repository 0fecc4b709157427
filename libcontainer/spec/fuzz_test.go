package spec

import (
	"bytes"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// addSeeds adds the good documents, and broken ones. Large ones are left to TestDecodeDamaged: they slow the
// fuzzer down to a standstill.
func addSeeds(f *testing.F) {
	f.Helper()
	for _, raw := range documents(f) {
		if len(raw) < 4096 {
			f.Add(raw)
		}
	}
	for _, doc := range []string{
		"", "{", "null", "[]", `{"ociVersion":}`, `{"process":{"args":["sh"`, `{"process":null}{}`,
		`{"linux":{"namespaces":[{"type":"future"},{"type":"pid"},{"type":"pid","path":"x"}]}}`,
		`{"linux":{"resources":{"memory":{"limit":-9223372036854775808},"pids":{"limit":-5},"cpu":{"quota":-2,"cpus":"7-1"}}}}`,
		`{"linux":{"resources":{"memory":{"limit":9223372036854775808}}}}`,
		`{"linux":{"uidMappings":[{"containerID":4294967295,"hostID":0,"size":4294967295}],"namespaces":[{"type":"user"}]}}`,
		`{"linux":{"sysctl":{"":"","net/../x":"\u0000"},"timeOffsets":{"x":{}},"netDevices":{"":{"name":"%d"}}}}`,
		`{"linux":{"seccomp":{"syscalls":[{"names":["a"],"args":[{"index":0,"value":18446744073709551615}]}]}}}`,
		`{"mounts":[{"options":["","bind"],"uidMappings":[{}]}],"hooks":{"prestart":[{"timeout":-1}]}}`,
		`{"x":` + strings.Repeat(`[`, 300) + strings.Repeat(`]`, 300) + `}`,
		`{"a":"\ud834\udd1e\u0000é","b":[1e5,-0,true,false,null]}`,
	} {
		f.Add([]byte(doc))
	}
}

// FuzzLoad says that decoding gives a value or a *DecodeError with a place in the document, and the value that
// encoding/json gives, apart from the differences listed in decode.go.
func FuzzLoad(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Decode(raw)
		if err != nil {
			de, ok := errors.AsType[*DecodeError](err)
			if !ok || de.Problem == "" || de.Line < 1 || de.Line > 1+bytes.Count(raw, []byte{'\n'}) || de.Column < 1 || de.Column > len(raw)+1 {
				t.Fatalf("error without a place: %#v", err)
			}
		} else if (c.Seccomp != nil) != (c.Spec.Linux != nil && c.Spec.Linux.Seccomp != nil) {
			t.Fatalf("marker and profile disagree: %q", c.Seccomp)
		}
		if isComparable(raw) {
			compareWithStandard(t, raw)
		}
	})
}

// FuzzValidate says that no value, however wrong, panics, that findings name a field, and that a document which
// is good has no NUL byte where a system call would end.
func FuzzValidate(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := Decode(raw)
		if err != nil {
			return
		}
		warned, err := Check(c.Spec)
		all, ok := errors.AsType[Errors](err)
		if err != nil && (!ok || len(all) == 0) {
			t.Fatalf("not a list of findings: %#v", err)
		}
		for _, e := range append(all, warned...) {
			if e.Path == "" || e.Problem == "" || strings.ContainsAny(e.Error(), "\n\x00") {
				t.Fatalf("finding without a field, or of more than a line: %q", e.Error())
			}
		}
		if err == nil {
			noNUL(t, c.Spec)
		}
	})
}

// noNUL fails when a string that becomes an argument of a system call has a NUL byte.
func noNUL(t *testing.T, s *specs.Spec) {
	t.Helper()
	k := *s
	k.Annotations = nil // these never reach the kernel
	k.Linux, k.Process = nil, nil
	if s.Linux != nil {
		l := *s.Linux
		l.Seccomp, k.Linux = nil, &l // compiled, and judged, elsewhere
		if l.Personality != nil {
			l.Personality = &specs.LinuxPersonality{Domain: l.Personality.Domain} // flags are ignored
		}
	}
	if s.Process != nil {
		p := *s.Process
		p.Capabilities, p.CommandLine, p.User.Username, k.Process = nil, "", "", &p // names that are unknown are ignored
	}
	raw, err := json.Marshal(&k)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(raw, []byte(`\u0000`)) && !bytes.Contains(raw, []byte(`\\u0000`)) {
		t.Fatalf("a NUL byte passes: %s", raw)
	}
}

// TestDecodeDamaged damages good documents in one place and compares with encoding/json: what fuzzing finds in
// hours for a document, many times, in a second.
func TestDecodeDamaged(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{`"`, `\`, `{`, `}`, `[`, `]`, `,`, `:`, `null`, `true`, `-1`, `1.5`, `99999999999`, `"x"`, `{}`, `[]`, "\n", "é"}
	for _, raw := range documents(t) {
		if len(raw) > 8192 {
			raw = raw[:8192]
		}
		for range 1500 {
			at := random.IntN(len(raw))
			cut := min(random.IntN(4), len(raw)-at)
			damaged := string(raw[:at]) + pieces[random.IntN(len(pieces))] + string(raw[at+cut:])
			if isComparable([]byte(damaged)) {
				compareWithStandard(t, []byte(damaged))
			}
		}
		for range 200 { // a value replaced by one of another kind
			damaged := replaceValue(random, raw, pieces)
			if isComparable(damaged) {
				compareWithStandard(t, damaged)
			}
		}
	}
}

// replaceValue replaces what follows a random colon.
func replaceValue(random *rand.Rand, raw []byte, pieces []string) []byte {
	colon := random.IntN(bytes.Count(raw, []byte{':'}))
	at := 0
	for range colon + 1 {
		at += bytes.IndexByte(raw[at:], ':') + 1
	}
	end := at + bytes.IndexAny(raw[at:], ",}]\n")
	if end < at {
		end = len(raw)
	}
	return []byte(string(raw[:at]) + pieces[random.IntN(len(pieces))] + string(raw[end:]))
}
