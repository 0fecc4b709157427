package importtest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

// memoryBound is what an import may hold, whatever the image, in kB.
const memoryBound = 64 << 10

// TestManyFiles: a layer of 100,000 files, gzip, arrives whole, in bounded memory.
func TestManyFiles(t *testing.T) {
	needRoot(t)
	bin, err := ours()
	if err != nil {
		t.Skip(err)
	}
	const dirs, each = 200, 500
	var entries []iw.Entry
	for d := range dirs {
		entries = append(entries, iw.Dir(fmt.Sprintf("d%03d", d)))
		for n := range each {
			entries = append(entries, iw.File(fmt.Sprintf("d%03d/f%03d", d, n), fmt.Sprintf("file %d of directory %d\n", n, d)))
		}
	}
	i := &iw.Image{Layers: [][]byte{iw.Tar(entries...)}, Compress: []string{"gzip"}, Tags: []string{"many:1"}, Config: map[string]any{"Cmd": []string{"/x"}}}
	source := filepath.Join(t.TempDir(), "many.tar")
	if err := os.WriteFile(source, i.OCI().Tar(), 0o644); err != nil {
		t.Fatal(err)
	}
	dest := filepath.Join(t.TempDir(), "box")
	importWithin(t, exec.Command(bin, "import", "--quiet", "--no-sync", source, dest), memoryBound, "")
	files := 0
	err = filepath.WalkDir(filepath.Join(dest, "rootfs"), func(_ string, e fs.DirEntry, err error) error {
		if err == nil && e.Type().IsRegular() {
			files++
		}
		return err
	})
	if err != nil || files != dirs*each {
		t.Errorf("%d files, want %d; %v", files, dirs*each, err)
	}
	raw, err := os.ReadFile(filepath.Join(dest, "rootfs/d199/f499"))
	if err != nil || string(raw) != "file 499 of directory 199\n" {
		t.Errorf("the last one is %q, %v", raw, err)
	}
}

// importWithin runs an import that works, or ends with an error of some words, and looks at what memory it takes, in kB.
// wait4(2) would say what the test itself took, before the program was executed.
func importWithin(t *testing.T, cmd *exec.Cmd, bound int, fails string) {
	t.Helper()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	used, looks := 0, 0
	for {
		select {
		case err := <-ended:
			if (err == nil) != (fails == "") || !strings.Contains(out.String(), fails) {
				t.Fatalf("%v: %v, want %q\n%.1000s", cmd, err, fails, out.String())
			}
			t.Logf("%d kB, seen %d times", used, looks)
			if used > bound {
				t.Errorf("it took %d kB, more than %d", used, bound)
			}
			if looks < 5 {
				t.Errorf("its memory was seen %d times only", looks)
			}
			return
		case <-time.After(time.Millisecond):
		}
		status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", cmd.Process.Pid))
		_, peak, found := strings.Cut(string(status), "VmHWM:")
		if err != nil || !found {
			continue
		}
		if kB, err := strconv.Atoi(strings.Fields(peak)[0]); err == nil && strings.Contains(string(status), "Name:\tgspawn-oci") {
			used, looks = max(used, kB), looks+1
		}
	}
}

// TestGNUSparse: all ways in which GNU tar stores a file with holes give the file, holes included.
func TestGNUSparse(t *testing.T) {
	needTool(t, "tar")
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "holes"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "bin"), 0o755), os.WriteFile(filepath.Join(dir, "bin/sh"), nil, 0o755)); err != nil {
		t.Fatal(err)
	}
	const size = 64 << 20
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int64{4096 * 3, 1 << 20, 40<<20 + 17, size - 10} {
		if _, err := f.WriteAt([]byte("not zero"), at); err != nil {
			t.Fatal(err)
		}
	}
	f.Close()
	want, err := os.ReadFile(f.Name())
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range []string{"--format=oldgnu", "--format=gnu", "--format=posix --sparse-version=0.0",
		"--format=posix --sparse-version=0.1", "--format=posix --sparse-version=1.0"} {
		t.Run(strings.ReplaceAll(format, " ", ","), func(t *testing.T) {
			args := append(strings.Fields(format), "--sparse", "-C", dir, "-cf", "-", "bin", "holes")
			raw, err := exec.Command("tar", args...).Output()
			if err != nil {
				t.Fatal(err)
			}
			if len(raw) > 1<<20 {
				t.Fatalf("tar wrote %d bytes: the file system knows no holes", len(raw))
			}
			for _, way := range []string{"file", "pipe"} {
				got := filepath.Join(importWay(t, raw, way), "rootfs/holes")
				content, err := os.ReadFile(got)
				if err != nil {
					t.Fatal(err)
				}
				if string(content) != string(want) {
					t.Errorf("%s: the content is another", way)
				}
				var st syscall.Stat_t
				if err := syscall.Stat(got, &st); err != nil {
					t.Fatal(err)
				}
				if st.Blocks*512 > 1<<20 {
					t.Errorf("%s: it takes %d bytes on the disk, holes are lost", way, st.Blocks*512)
				}
			}
		})
	}
}
