package importtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

// TestRootlessBoot: an ordinary user imports a system with a small init and boots it; one with systemd is refused with the
// reason; limits that cannot be set are told.
func TestRootlessBoot(t *testing.T) {
	needRoot(t)
	bin, err := ours()
	if err != nil {
		t.Skip(err)
	}
	dir := open(t)
	for _, suffix := range []string{"", "-import", "-seccomp"} {
		raw, err := os.ReadFile(bin + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "gspawn-oci"+suffix), raw, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "run"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(filepath.Join(dir, "run"), nobody, nobody); err != nil {
		t.Fatal(err)
	}
	small := bootable(t)
	systemd := append(bootable(t)[:0:0], iw.Dir("usr"), iw.Dir("usr/lib"), iw.Dir("usr/lib/systemd"), iw.Dir("sbin"), iw.Dir("etc"), iw.File("etc/os-release", "ID=test\n"),
		iw.Entry{Name: "usr/lib/systemd/systemd", Data: "\x7fELF", Mode: 0o755}, iw.Symlink("sbin/init", "../usr/lib/systemd/systemd"))
	for name, entries := range map[string][]iw.Entry{"small.tar": small, "systemd.tar": systemd} {
		if err := os.WriteFile(filepath.Join(dir, name), iw.Tar(entries...), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	user := func(args ...string) (string, error) {
		cmd := exec.CommandContext(t.Context(), dir+"/gspawn-oci", args...)
		cmd.Dir = dir
		cmd.Env = []string{"HOME=" + dir, "XDG_RUNTIME_DIR=" + filepath.Join(dir, "run"), "PATH=" + os.Getenv("PATH")}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := user("import", "--no-sync", "systemd.tar", "systemd")
	if err == nil || !strings.Contains(out, "an ordinary user's container cannot boot") {
		t.Errorf("import of a tree with systemd: %v: %s", err, out)
	}
	out, err = user("import", "--no-sync", "--memory=64M", "small.tar", "small")
	if err != nil || !strings.Contains(out, "--memory, --cpus and --pids are left out") {
		t.Fatalf("import: %v: %s", err, out)
	}
	out, err = user("run", "-b", "small", "small")
	if !strings.Contains(out, "hello from init") {
		t.Errorf("run: %v: %s", err, out)
	}
}
