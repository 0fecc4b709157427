package nspawn

import (
	"strings"
	"testing"

	"github.com/gspawn/gspawn-oci/libcontainer/annotation"
)

func TestStopOf(t *testing.T) {
	signal := func(text string) map[string]string { return map[string]string{annotation.StopSignal: text} }
	for _, c := range []struct {
		name        string
		kind        Kind
		annotations map[string]string
		keep        bool
		want        Stop
	}{
		{"systemd", Systemd, nil, false, Stop{37, true}},
		{"busybox", Busybox, nil, false, Stop{12, true}},
		{"openrc stops on SIGTERM by itself", OpenRC, nil, false, Stop{15, true}},
		{"an application", None, nil, false, Stop{15, false}},
		{"an application with a signal", None, signal("SIGQUIT"), false, Stop{3, false}},
		{"named by the bundle", Systemd, signal("SIGPWR"), false, Stop{30, false}},
		{"podman's for systemd", Systemd, signal("37"), false, Stop{37, false}},
		{"podman's default", Systemd, signal("15"), false, Stop{37, true}},
		{"by name", Systemd, signal("SIGTERM"), false, Stop{37, true}},
		{"podman's default for busybox", Busybox, signal("15"), false, Stop{12, true}},
		{"podman takes busybox for systemd", Busybox, signal("37"), false, Stop{12, true}},
		{"another signal for busybox", Busybox, signal("USR1"), false, Stop{10, false}},
		{"podman's default, for an init that stops on it", OpenRC, signal("15"), false, Stop{15, false}},
		{"RTMIN", Systemd, signal("RTMIN+4"), false, Stop{38, false}},
		{"RTMAX", Systemd, signal("SIGRTMAX-26"), false, Stop{38, false}},
		{"turned off in the configuration", Systemd, nil, true, Stop{37, false}},
		{"turned off, podman's default", Systemd, signal("15"), true, Stop{37, false}},
		{"turned off by the bundle", Systemd, map[string]string{annotation.KeepSIGTERM: "yes"}, false, Stop{37, false}},
		{"turned on by the bundle", Systemd, map[string]string{annotation.KeepSIGTERM: "no"}, true, Stop{37, true}},
	} {
		spec := bootable("/sbin/init")
		spec.Annotations = c.annotations
		if got, err := StopOf(spec, c.kind, c.keep); got != c.want || err != nil {
			t.Errorf("%s: %+v, want %+v (%v)", c.name, got, c.want, err)
		}
	}
}

func TestStopOfWrong(t *testing.T) {
	for _, c := range []struct{ annotation, value string }{
		{annotation.StopSignal, "SIGNONE"}, {annotation.StopSignal, "0"}, {annotation.StopSignal, "65"}, {annotation.StopSignal, "RTMIN+31"},
		{annotation.KeepSIGTERM, "maybe"}, {annotation.KeepSIGTERM, ""},
	} {
		spec := bootable("/sbin/init")
		spec.Annotations = map[string]string{c.annotation: c.value}
		if got, err := StopOf(spec, Systemd, false); err == nil || !strings.Contains(err.Error(), c.annotation) {
			t.Errorf("%s=%q: %+v, %v", c.annotation, c.value, got, err)
		}
	}
}
