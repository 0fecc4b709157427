//go:build boot

package boot

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/pods"
)

// prepareCRI makes an image of the tree, and has containerd run it as a pod's container, as Kubernetes does. Importing the
// image is what takes long. With bookworm all is said: the pod asks for boot mode, and the image names the stop signal. The
// others say nothing, so that boot mode is found, and SIGTERM is sent.
func prepareCRI(t *testing.T, tree string) start {
	d := pods.Start(t)
	var flags []string
	stopSignal := ""
	switch {
	case tree == "bookworm":
		flags, stopSignal = []string{"--annotation", bootAnnotation + "=yes"}, "SIGRTMIN+3"
	case endsByReboot[tree]:
		flags = []string{"--cap-add", "SYS_BOOT"}
	}
	d.Import(t, saveImage(t, writable(t, tree, false), stopSignal), "system:1")
	return func(t *testing.T, _ string, users bool) (running, string) {
		if !users {
			return startPod(t, d, 0, flags...)
		}
		if !pods.UserNamespaces(t) {
			t.Skip("this containerd gives pods no user namespaces")
		}
		return startPod(t, d, userBase, append(flags, "--user-namespace", fmt.Sprintf("%d:65536", userBase))...)
	}
}

// startPod starts a pod whose root is the user with the number base on the host: an engine that knows no user namespaces
// does not refuse them.
func startPod(t *testing.T, d *pods.Daemon, base int, flags ...string) (running, string) {
	pod := d.Run(t, append(flags, fixtures.UniqueID("boot"), "system:1")...)
	t.Cleanup(func() { pod.Remove(t) })
	ids := do(nil, d.CRI("exec", pod.Container, "cat", "/proc/self/uid_map")...)
	if f := strings.Fields(ids.out); len(f) != 3 || f[1] != fmt.Sprint(base) {
		t.Errorf("the users of the host inside: %v, want them from %d on", ids, base)
	}
	return podSystem{engine{
		run: d.CRI("exec", pod.Container), end: d.CRI("stop", pod.Container, fmt.Sprint(int(patience(55*time.Second).Seconds()))),
		list: d.CRI("status", pod.Container), alive: "CONTAINER_RUNNING",
	}}, pod.Written(t)
}

// podSystem is a system whose stopping comes to its end in any case: containerd kills what does not end in time.
type podSystem struct{ engine }

func (p podSystem) stop() answer {
	a := p.engine.stop()
	if s := do(nil, p.list...); a.code == 0 && strings.Contains(s.out, "CONTAINER_EXITED 137 ") {
		return answer{s.out, "it did not end in time, and was killed", 137}
	}
	return a
}
