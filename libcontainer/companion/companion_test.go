package companion

import (
	"os"
	"strings"
	"testing"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestFind(t *testing.T) {
	const name = "gspawn-oci-other"
	root := t.TempDir()
	bin := root + "/bin"
	must(t, os.MkdirAll(bin+"/"+name, 0o755)) // a directory is no helper
	old := dirs
	t.Cleanup(func() { dirs = old })
	dirs = []string{"../libexec/gspawn-oci", root + "/abs"}

	_, err := find(name, bin)
	if err == nil || !strings.Contains(err.Error(), "the program "+name+" is not installed (looked in "+bin+", "+root+"/libexec/gspawn-oci, "+root+"/abs)") {
		t.Fatalf("nothing there: %v", err)
	}
	if strings.Contains(err.Error(), "no such file") {
		t.Errorf("engines take %q for a missing command of the container's", err)
	}
	for _, dir := range []string{root + "/abs", root + "/libexec/gspawn-oci"} { // the later comes first in the order
		must(t, os.MkdirAll(dir, 0o755))
		must(t, os.WriteFile(dir+"/"+name, nil, 0o644))
		if got, _ := find(name, bin); got == dir+"/"+name {
			t.Error("found a helper that cannot be run")
		}
		must(t, os.Chmod(dir+"/"+name, 0o755))
		if got, err := find(name, bin); err != nil || got != dir+"/"+name {
			t.Errorf("found %q, %v; want it in %s", got, err, dir)
		}
	}
}
