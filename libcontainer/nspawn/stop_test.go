package nspawn

import "testing"

func TestStopOf(t *testing.T) {
	for _, c := range []struct {
		name        string
		kind        Kind
		annotations map[string]string
		keep        bool
		want        Stop
	}{
		{"systemd", Systemd, nil, false, Stop{"SIGRTMIN+3", true}},
		{"busybox", Busybox, nil, false, Stop{"SIGUSR2", true}},
		{"openrc stops on SIGTERM by itself", OpenRC, nil, false, Stop{"SIGTERM", false}},
		{"an application", None, nil, false, Stop{"SIGTERM", false}},
		{"named by the bundle", Systemd, map[string]string{AnnotationStopSignal: "37"}, false, Stop{"37", false}},
		{"turned off in the configuration", Systemd, nil, true, Stop{"SIGRTMIN+3", false}},
		{"turned off by the bundle", Systemd, map[string]string{AnnotationKeepSIGTERM: "yes"}, false, Stop{"SIGRTMIN+3", false}},
		{"turned on by the bundle", Systemd, map[string]string{AnnotationKeepSIGTERM: "no"}, true, Stop{"SIGRTMIN+3", true}},
	} {
		spec := bootable("/sbin/init")
		spec.Annotations = c.annotations
		if got := StopOf(spec, c.kind, c.keep); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}
