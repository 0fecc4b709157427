package importtest

import (
	"archive/tar"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle"

	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
	"github.com/gspawn/gspawn-oci/tests/import/treelist"
)

// samples are real archives: one tree with everything nasty in it, saved by docker 20.10, and in docker 25's layout.
// They are not in the repository but beside it; GSPAWN_SAMPLES names another place, and there must be some in it.
func samples(t *testing.T) []string {
	t.Helper()
	dir := os.Getenv("GSPAWN_SAMPLES")
	named := dir != ""
	if !named {
		dir = "../../../shared/samples"
	}
	found, _ := filepath.Glob(filepath.Join(dir, "*.tar.xz"))
	if named && len(found) == 0 {
		t.Fatalf("GSPAWN_SAMPLES is %q, and there is no *.tar.xz", dir)
	}
	return found
}

// tricky is our own tree with everything nasty in it, as an image of some layers. Hard links to files of a layer below are
// left out where the other tool cannot have them.
func tricky(across bool) *iw.Image {
	old, far := time.Unix(-157766400, 0), time.Unix(4102444800, 5)
	long := strings.Repeat("l", 120) + "/" + strings.Repeat("m", 120) + "/" + strings.Repeat("n", 100)
	xattr := func(kv ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(kv); i += 2 {
			m["SCHILY.xattr."+kv[i]] = kv[i+1]
		}
		return m
	}
	caps := "\x01\x00\x00\x02\x00\x20\x00\x00" + strings.Repeat("\x00", 12)
	links := []iw.Entry{iw.Dir("hard")}
	if across {
		links = append(links, iw.Hardlink("hard/d", "hard/c"), iw.Hardlink("across", "bin/app"))
	}
	return image(
		iw.Tar(
			iw.Entry{Name: "./", Type: tar.TypeDir, Mode: 0o755}, iw.Dir("bin/"), iw.Entry{Name: "bin/app", Data: "app", Mode: 0o4755},
			iw.Entry{Name: "bin/ping", Data: "ping", Mode: 0o755, PAX: xattr("security.capability", caps, "user.note", "two\nlines")},
			iw.Entry{Name: "null", Type: tar.TypeChar, Mode: 0o666, Major: 1, Minor: 3}, iw.Entry{Name: "loop", Type: tar.TypeBlock, Mode: 0o660, Major: 7},
			iw.Entry{Name: "fifo", Type: tar.TypeFifo, Mode: 0o644}, iw.Entry{Name: "big", Data: "x", Uid: 70000, Gid: 4000000},
			iw.Entry{Name: "old", Time: old}, iw.Entry{Name: "far", Time: far}, iw.Dir(long[:120]), iw.Dir(long[:241]), iw.Dir(long), iw.File(long+"/f", "deep"), iw.File("café\t", "utf-8"),
			iw.Symlink("abs", "/etc/passwd"), iw.Symlink("up", "../../etc"), iw.Symlink("dangling", "nowhere"),
			iw.Entry{Name: "sticky", Type: tar.TypeDir, Mode: 0o1777}, iw.Entry{Name: "setgid", Type: tar.TypeDir, Mode: 0o2775, Gid: 50},
			iw.Entry{Name: "setgid/f", Data: "1"}, iw.Dir("setgid/d"), iw.Entry{Name: "noaccess", Type: tar.TypeDir, Mode: 0}, iw.File("noaccess/f", ""),
			iw.Dir("hard"), iw.File("hard/a", "one"), iw.Hardlink("hard/b", "hard/a"), iw.Hardlink("hard/c", "hard/b"), iw.Hardlink("hard/fifo", "fifo"),
			iw.Dir("opq"), iw.File("opq/old", "1"), iw.Dir("opq/sub"), iw.File("opq/sub/old", "1"), iw.Dir("gone"), iw.File("gone/x", ""),
			iw.Dir("todir"), iw.Symlink("tolink", "todir"), iw.Dir("islink"), iw.File("islink/f", "1"), iw.File("isfile", "1"), iw.Dir("isdir"), iw.File("isdir/f", "1"),
			iw.Entry{Name: "dirx", Type: tar.TypeDir, Mode: 0o755, PAX: xattr("user.dir", "1")},
		),
		iw.Tar(
			iw.Dir("opq"), iw.File("opq/.wh..wh..opq", ""), iw.File("opq/new", "2"), iw.File(".wh.gone", ""), iw.File("hard/b", "two"),
			iw.Dir("tolink"), iw.File("tolink/f", "2"), iw.Symlink("islink", "todir"), iw.Dir("isfile"), iw.File("isfile/f", "2"), iw.File("isdir", "2"),
		),
		iw.Tar(),
		iw.Tar(links...),
		iw.Tar(iw.Entry{Name: "sticky", Type: tar.TypeDir, Mode: 0o700, Uid: 7}),
		iw.Tar(iw.File("implicit/a/b", "1"), iw.File("todir/f", "3")),
	)
}

// archives gives files to unpack: the real ones and ours.
func archives(t *testing.T, across bool) map[string]string {
	dir := t.TempDir()
	ours := filepath.Join(dir, "tricky.tar")
	if err := os.WriteFile(ours, tricky(across).DockerSave().Tar(), 0o644); err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"tricky": ours}
	found := samples(t)
	if len(found) == 0 {
		t.Run("real archives", func(t *testing.T) { t.Skip("needs real archives: set GSPAWN_SAMPLES to a directory with *.tar.xz") })
	}
	for _, s := range found {
		plain := filepath.Join(dir, strings.TrimSuffix(filepath.Base(s), ".xz"))
		run(t, "sh", "-c", fmt.Sprintf("xz -dc %q >%q", s, plain))
		all[filepath.Base(plain)] = plain
	}
	return all
}

func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestAsUmoci: the tree is the one that umoci unpacks, entry for entry.
func TestAsUmoci(t *testing.T) {
	needRoot(t)
	needTool(t, "umoci")
	needTool(t, "skopeo")
	for name, file := range archives(t, true) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			from := "docker-archive:"
			if strings.Contains(name, "25") {
				from = "docker-archive:" // skopeo reads manifest.json there too
			}
			run(t, "skopeo", "copy", "-q", from+file, "oci:"+dir+"/layout:x")
			run(t, "umoci", "unpack", "--image", dir+"/layout:x", dir+"/umoci")
			for _, source := range []string{file, dir + "/layout"} {
				if _, err := importInto(t, bundle.Options{Source: source, Dest: dir + "/box", Force: true}); err != nil {
					t.Fatal(err)
				}
				o := treelist.Options{}
				if d := treelist.Diff(known(list(t, dir+"/umoci/rootfs", o)), known(list(t, dir+"/box/rootfs", o)), 20); d != nil {
					t.Errorf("- is umoci's, + ours of %s:\n%s", source, strings.Join(d, "\n"))
				}
			}
		})
	}
}

// known leaves out the times that cannot be compared: those of directories that no entry describes, and umoci's of the
// root, which it does not put back after a later layer has added to it.
func known(lines []string) []string {
	for i, l := range lines {
		for _, p := range []string{`"." `, `"implicit" `, `"implicit/a" `} {
			if strings.HasPrefix(l, p) {
				lines[i] = l[:strings.LastIndexByte(l, ' ')]
			}
		}
	}
	return lines
}

// podmans leaves out what podman 4.3 does its own way: the root's mode (always 0555), and times before 1970 (always 1970).
func podmans(lines []string) []string {
	var kept []string
	for _, l := range lines {
		if !strings.HasPrefix(l, `"." `) && !strings.HasPrefix(l, `"old`) {
			kept = append(kept, l)
		}
	}
	return kept
}

// TestAsPodman: the same for what podman mounts of the image that it loaded. It does not keep the times of directories that
// a later layer touches, and knows hard links within one layer only.
func TestAsPodman(t *testing.T) {
	needRoot(t)
	needTool(t, "podman")
	for name, file := range archives(t, false) {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			short, err := os.MkdirTemp("", "p") //nolint:usetesting // podman wants a short one
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(short)
			podman := func(args ...string) string {
				return run(t, "podman", append([]string{"--root", short + "/g", "--runroot", short + "/r", "--events-backend=none"}, args...)...)
			}
			loaded := podman("load", "-q", "-i", file)
			id := loaded[strings.LastIndexByte(loaded, ' ')+1:]
			at := podman("image", "mount", id)
			defer func() {
				podman("image", "umount", "-f", id)
				_ = unix.Unmount(short+"/g/overlay", unix.MNT_DETACH) // podman's own bind mount
			}()
			if _, err := importInto(t, bundle.Options{Source: file, Dest: dir + "/box"}); err != nil {
				t.Fatal(err)
			}
			o := treelist.Options{NoDirTimes: true}
			if d := treelist.Diff(podmans(list(t, at, o)), podmans(list(t, dir+"/box/rootfs", o)), 20); d != nil {
				t.Errorf("- is podman's, + ours:\n%s", strings.Join(d, "\n"))
			}
		})
	}
}
