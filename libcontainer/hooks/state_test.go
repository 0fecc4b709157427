package hooks

import (
	"encoding/json"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

func TestState(t *testing.T) {
	tests := map[string]specs.State{
		"all": {
			Version: "1.3.0", ID: "web-1", Status: specs.StateCreated, Pid: 4422, Bundle: "/run/ctr/web \"1\"",
			Annotations: map[string]string{"z": "last", "a": "first", "io.kubernetes.cri": "line\nline"},
		},
		"no process":  {Version: "1.0.2-dev", ID: "a", Status: specs.StateStopped, Bundle: "/b"},
		"empty notes": {Version: "1.2.0", ID: "a", Status: specs.StateCreating, Pid: 1, Bundle: "/b", Annotations: map[string]string{}},
	}
	for name, s := range tests {
		t.Run(name, func(t *testing.T) {
			want, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			got := State(s)
			if string(got) != string(want) {
				t.Errorf("\ngot  %s\nwant %s", got, want)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	hook := func(path string) []specs.Hook { return []specs.Hook{{Path: path}} }
	h := &specs.Hooks{
		Prestart:      hook("prestart"), //nolint:staticcheck // deprecated, and what docker uses
		CreateRuntime: hook("createRuntime"), CreateContainer: hook("createContainer"),
		StartContainer: hook("startContainer"), Poststart: hook("poststart"), Poststop: hook("poststop"),
	}
	for _, g := range []Group{Prestart, CreateRuntime, CreateContainer, StartContainer, Poststart, Poststop} {
		if list := g.Of(h); len(list) != 1 || list[0].Path != string(g) {
			t.Errorf("%s has the hooks %v", g, list)
		}
		if list := g.Of(nil); list != nil {
			t.Errorf("%s has the hooks %v of no hooks", g, list)
		}
		if want := g == CreateContainer || g == StartContainer; g.InContainer() != want {
			t.Errorf("%s: in the container %v", g, g.InContainer())
		}
	}
}
