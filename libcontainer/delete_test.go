package libcontainer

import (
	"errors"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/state"
)

// TestDeleteSaysItOnce: a container that cannot be removed whole is an error and no warning besides, and stays.
func TestDeleteSaysItOnce(t *testing.T) {
	r := &Runtime{Root: t.TempDir(), Warn: func(text string) { t.Errorf("warned: %s", text) }}
	d, err := state.Create(r.Root, "c")
	if err != nil {
		t.Fatal(err)
	}
	// Not a mount, and nothing that could be one: whoever unmounts it is told ENOTDIR, or without privileges EPERM.
	desc := state.Container{ID: "c", OCIVersion: "1.3.0", Bundle: "/b", Rootfs: os.DevNull + "/x", RootMount: 1, PrivatePID: true}
	gone := state.Process{PID: 1, StartTime: 1}
	if err := errors.Join(d.WriteContainer(&desc), d.WriteConfig([]byte("{}")), d.SetProcess(gone)); err != nil {
		t.Fatal(err)
	}
	d.Unlock()
	d.Close()
	err = r.Delete("c", false)
	if err == nil || !strings.HasPrefix(err.Error(), "remove container c: ") || !errors.Is(err, unix.ENOTDIR) && !errors.Is(err, unix.EPERM) {
		t.Errorf("delete: %v", err)
	}
	if ids, err := state.List(r.Root); len(ids) != 1 || err != nil {
		t.Errorf("the container is gone: %q, %v", ids, err)
	}
}
