//go:build boot

package boot

import (
	"fmt"
	"testing"
	"time"

	"github.com/gspawn/gspawn-oci/tests/fixtures"
	"github.com/gspawn/gspawn-oci/tests/pods"
)

// startByCRI makes an image of the tree, and has containerd run it as a pod's container, as Kubernetes does. With bookworm
// all is said: the pod asks for boot mode, and the image names the stop signal. The others say nothing, so that boot mode
// is found, and SIGTERM is sent.
func startByCRI(t *testing.T, tree string, _ bool) (running, string) {
	d := pods.Start(t)
	var flags []string
	stopSignal := ""
	if tree == "bookworm" {
		flags, stopSignal = []string{"--annotation", bootAnnotation + "=yes"}, "SIGRTMIN+3"
	}
	d.Import(t, saveImage(t, writable(t, tree, false), stopSignal), "system:1")
	pod := d.Run(t, append(flags, fixtures.UniqueID("boot"), "system:1")...)
	return engine{
		run: d.CRI("exec", pod.Container), end: d.CRI("stop", pod.Container, fmt.Sprint(int(patience(55*time.Second).Seconds()))),
		list: d.CRI("status", pod.Container), alive: "CONTAINER_RUNNING",
	}, pod.Written(t)
}
