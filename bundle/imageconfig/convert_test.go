package imageconfig

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/bundle/image"
)

const (
	passwd = "root:x:0:0:root:/root:/bin/sh\n# comment\nbroken\nweb:x:1000:1001::/:\nbad:x:x:y::/:\nbig:x:70000:4000000::/:\r\n"
	group  = "root:x:0:\nwheel:x:10:root,web\nweb:x:1001:web\nextra:x:44:bin,web\nextra:x:44:web\n"
)

// TestUser: each form of Config.User, by conversion.md.
func TestUser(t *testing.T) {
	for in, want := range map[string]specs.User{
		"":          {UID: 0, GID: 0, AdditionalGids: []uint32{10}},
		"root":      {UID: 0, GID: 0, AdditionalGids: []uint32{10}},
		"web":       {UID: 1000, GID: 1001, AdditionalGids: []uint32{10, 44}},
		"1000":      {UID: 1000, GID: 1001},
		"4711":      {UID: 4711},
		"4711:4712": {UID: 4711, GID: 4712},
		"web:wheel": {UID: 1000, GID: 10},
		"web:7":     {UID: 1000, GID: 7},
		"7:web":     {UID: 7, GID: 1001},
		"web:":      {UID: 1000, GID: 1001, AdditionalGids: []uint32{10, 44}},
		":web":      {UID: 0, GID: 1001},
		"big":       {UID: 70000, GID: 4000000},
	} {
		got, err := resolveUser(in, Accounts{[]byte(passwd), []byte(group)})
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q: %+v, %v, want %+v", in, got, err, want)
		}
	}
	for in, want := range map[string]string{
		"nobody": "no \"nobody\"", "web:nobody": "no \"nobody\"", "bad": "no \"bad\"", "4294967295": "out of range", "99999999999": "out of range",
		"-1": "not negative", "1:-1": "not negative", "a\x00b": "not a name", "a\nroot:x:0": "not a name",
	} {
		if got, err := resolveUser(in, Accounts{[]byte(passwd), []byte(group)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %+v, %v, want an error with %q", in, got, err, want)
		}
	}
	if _, err := resolveUser("web", Accounts{}); err == nil {
		t.Error("a name was resolved without a passwd file")
	}
	if got, err := resolveUser("5:6", Accounts{}); err != nil || got.UID != 5 || got.GID != 6 {
		t.Errorf("numbers need no passwd file: %+v, %v", got, err)
	}
}

func parse(t *testing.T, doc string) *image.Config {
	t.Helper()
	c := new(image.Config)
	if err := json.Unmarshal([]byte(doc), c); err != nil {
		t.Fatal(err)
	}
	return c
}

// TestProcess: the verbatim fields.
func TestProcess(t *testing.T) {
	c := parse(t, `{"config":{"Entrypoint":["/e","1"],"Cmd":["c"],"Env":["A=1","PATH=/x","A=2"],"WorkingDir":"work"}}`)
	args, env, cwd, _, notices, err := Process(c, Accounts{}, Options{Env: []string{"B=3", "PATH=/y"}})
	if err != nil || len(notices) != 0 {
		t.Fatal(err, notices)
	}
	if !slices.Equal(args, []string{"/e", "1", "c"}) || !slices.Equal(env, []string{"A=2", "PATH=/y", "B=3"}) || cwd != "/work" {
		t.Errorf("args %q env %q cwd %q", args, env, cwd)
	}
	args, env, cwd, _, _, err = Process(parse(t, `{}`), Accounts{}, Options{Command: []string{"x"}})
	if err != nil || !slices.Equal(args, []string{"x"}) || !slices.Equal(env, []string{"PATH=" + DefaultPath}) || cwd != "/" {
		t.Errorf("of nothing: args %q env %q cwd %q, %v", args, env, cwd, err)
	}
	for _, doc := range []string{`{"config":{"Cmd":["a\u0000b"]}}`, `{"config":{"WorkingDir":"/a\u0000"}}`} {
		if _, _, _, _, _, err := Process(parse(t, doc), Accounts{}, Options{}); err == nil {
			t.Errorf("%s was converted", doc)
		}
	}
}

// TestAnnotations: each row of the table, and labels before fields.
func TestAnnotations(t *testing.T) {
	c := parse(t, `{"os":"linux","architecture":"arm64","variant":"v8","os.version":"1","os.features":["a","b"],"author":"me",
		"created":"2023-11-14T22:13:20.5Z","config":{"StopSignal":"SIGINT","ExposedPorts":{"80/tcp":{},"53/udp":{}},
		"Labels":{"x":"y","org.opencontainers.image.author":"label","":"z","run.oci.handler":"krun"}}}`)
	got, notices := Annotations(c)
	p := "org.opencontainers.image."
	want := map[string]string{p + "os": "linux", p + "architecture": "arm64", p + "variant": "v8", p + "os.version": "1", p + "os.features": "a,b",
		p + "author": "label", p + "created": "2023-11-14T22:13:20.5Z", p + "stopSignal": "SIGINT", p + "exposedPorts": "53/udp,80/tcp", "x": "y"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if len(notices) != 2 {
		t.Errorf("notices %q", notices)
	}
}

func TestVolumes(t *testing.T) {
	m, err := Volumes(parse(t, `{"config":{"Volumes":{"/data":{},"var/lib/x/":{}}}}`))
	if err != nil || len(m) != 2 || m[0].Destination != "/data" || m[1].Destination != "/var/lib/x" {
		t.Errorf("%v, %v", m, err)
	}
	for _, v := range []string{"/", "", "..", `a\u0000`} {
		if _, err := Volumes(parse(t, `{"config":{"Volumes":{"`+v+`":{}}}}`)); err == nil {
			t.Errorf("a volume at %q", v)
		}
	}
}

func FuzzUser(f *testing.F) {
	f.Add("web:wheel", []byte(passwd), []byte(group))
	f.Add("0", []byte("::::"), []byte(":::"))
	f.Fuzz(func(t *testing.T, user string, p, g []byte) {
		u, err := resolveUser(user, Accounts{p, g})
		if err == nil && (u.UID == 1<<32-1 || u.GID == 1<<32-1 || len(u.AdditionalGids) > maxGroups) {
			t.Errorf("%q: %+v", user, u)
		}
	})
}
