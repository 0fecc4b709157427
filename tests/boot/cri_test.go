//go:build boot

package boot

import (
	"fmt"
	"testing"
	"time"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/pods"
)

// startByCRI makes an image of the tree, and has containerd run it as a pod's container, as Kubernetes does. bookworm's
// image names systemd's stop signal, the others none, so that SIGTERM is sent.
func startByCRI(t *testing.T, tree string, _ bool) (running, string) {
	d := pods.Start(t)
	stopSignal := ""
	if tree == "bookworm" {
		stopSignal = "SIGRTMIN+3"
	}
	d.Import(t, saveImage(t, writable(t, tree, false), stopSignal), "system:1")
	pod := d.Run(t, fixtures.UniqueID("boot"), "system:1")
	return engine{
		run: d.CRI("exec", pod.Container), end: d.CRI("stop", pod.Container, fmt.Sprint(int(patience(55*time.Second).Seconds()))),
		list: d.CRI("status", pod.Container), alive: "CONTAINER_RUNNING",
	}, pod.Written(t)
}
