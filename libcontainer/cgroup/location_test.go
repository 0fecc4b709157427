package cgroup

import (
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	tests := []struct {
		name              string
		path, id          string
		systemd, rootless bool
		want              string
		unit              string
		explicit          bool
		wantErr           string
	}{
		{name: "absolute stays", path: "/docker/abc", id: "c", want: "/docker/abc", explicit: true},
		{name: "relative is from the root too", path: "docker/abc", id: "c", want: "/docker/abc", explicit: true},
		{name: "empty", id: "c1", want: "/gspawn-oci/c1"},
		{name: "empty rootless", id: "c1", rootless: true, want: "/gspawn-oci/c1"},
		{name: "dots stop at the root", path: "/../../a/../b", id: "c", want: "/b", explicit: true},
		{name: "relative dots stop at the root", path: "../../etc", id: "c", want: "/etc", explicit: true},
		{name: "id cannot leave the default parent", id: "../../x", want: "/gspawn-oci/x"},
		{name: "slashes are cleaned", path: "//a///b/", id: "c", want: "/a/b", explicit: true},
		{name: "the root itself", path: "/", id: "c", wantErr: `linux.cgroupsPath "/": is the root cgroup`},
		{name: "dots to the root", path: "a/..", id: "c", wantErr: "is the root cgroup"},
		{name: "null byte", path: "/a\x00b", id: "c", wantErr: "null byte"},
		{name: "no id", path: "/a", wantErr: "no id"},
		{name: "unit", path: "machine.slice:libpod:77", id: "c", systemd: true, want: "machine.slice/libpod-77.scope", unit: "libpod-77.scope", explicit: true},
		{name: "nested slice", path: "kubepods-burstable.slice:cri:1", id: "c", systemd: true, want: "kubepods-burstable.slice/cri-1.scope", unit: "cri-1.scope", explicit: true},
		{name: "unit default", id: "c1", systemd: true, want: "system.slice/gspawn-oci-c1.scope", unit: "gspawn-oci-c1.scope"},
		{name: "unit default rootless", id: "c1", systemd: true, rootless: true, want: "user.slice/gspawn-oci-c1.scope", unit: "gspawn-oci-c1.scope"},
		{name: "empty slice", path: ":p:n", id: "c", systemd: true, want: "system.slice/p-n.scope", unit: "p-n.scope", explicit: true},
		{name: "slice as the unit", path: "a.slice:p:b.slice", id: "c", systemd: true, want: "a.slice/b.slice", unit: "b.slice", explicit: true},
		{name: "root slice", path: "-.slice:p:n", id: "c", systemd: true, want: "-.slice/p-n.scope", unit: "p-n.scope", explicit: true},
		{name: "unit with a path", path: "/a/b", id: "c", systemd: true, wantErr: `expected the form "slice:prefix:name"`},
		{name: "no slice name", path: "a:b:c", id: "c", systemd: true, wantErr: `"a" is no slice name`},
		{name: "slice with a slash", path: "a/b.slice:p:n", id: "c", systemd: true, wantErr: "no slice name"},
		{name: "slice with an empty part", path: "a--b.slice:p:n", id: "c", systemd: true, wantErr: "no slice name"},
		{name: "name with a slash", path: "a.slice:p:../n", id: "c", systemd: true, wantErr: "no unit name"},
		{name: "no name", path: "a.slice:p:", id: "c", systemd: true, wantErr: "no unit name"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Resolve(tt.path, tt.id, tt.systemd, tt.rootless)
			if tt.wantErr != "" {
				if err == nil || !strings.Contains(err.Error(), tt.wantErr) {
					t.Fatalf("error %v, want one with %q", err, tt.wantErr)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.String() != tt.want || got.Unit() != tt.unit || got.Explicit != tt.explicit || got.Rootless != tt.rootless {
				t.Errorf("got %+v (%s), want %q unit %q explicit %v", got, got, tt.want, tt.unit, tt.explicit)
			}
		})
	}
}

func FuzzResolve(f *testing.F) {
	for _, s := range []string{"", "/", "a/../..", "/docker/x", "machine.slice:libpod:1", "::", "../../.."} {
		f.Add(s, "id", false)
		f.Add(s, "id", true)
	}
	f.Fuzz(func(t *testing.T, cgroupsPath, id string, systemd bool) {
		loc, err := Resolve(cgroupsPath, id, systemd, false)
		if err != nil {
			return
		}
		s := "/" + strings.TrimPrefix(loc.String(), "/")
		if strings.Contains(s+"/", "/../") || s == "/" {
			t.Fatalf("Resolve(%q, %q) leaves the hierarchy: %q", cgroupsPath, id, s)
		}
	})
}
