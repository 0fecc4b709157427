//go:build linux

package seccomp

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func sample() *Program {
	return &Program{
		BPF:    bytes.Repeat([]byte{6, 0, 0, 0, 0, 0, 0xff, 0x7f}, 700),
		Flags:  8 | 4,
		Notify: true, ListenerPath: "/run/agent.sock", ListenerMetadata: "meta\x00data",
	}
}

func same(a, b *Program) bool {
	return bytes.Equal(a.BPF, b.BPF) && a.Flags == b.Flags && a.Notify == b.Notify && a.ListenerPath == b.ListenerPath &&
		a.ListenerMetadata == b.ListenerMetadata
}

func TestEncodeDecode(t *testing.T) {
	for n := range 9 { // each length of padding
		p, key := sample(), []byte(strings.Repeat("k", n))
		got, err := decode(encode(p, key, 7), key, 7)
		if err != nil || !same(&got, p) {
			t.Errorf("key of %d: %+v, %v", n, got, err)
		}
	}
	empty, err := decode(Encode(&Program{}), nil, 0)
	if err != nil || len(empty.BPF) != 0 || empty.Notify {
		t.Errorf("empty program: %+v, %v", empty, err)
	}
}

// No damaged entry is ever taken: each byte flipped, each length.
func TestDecodeRefusesDamage(t *testing.T) {
	p, key := sample(), []byte(`{"defaultAction":"SCMP_ACT_ALLOW"}`)
	p.BPF = p.BPF[:64]
	good := encode(p, key, 7)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x41
		if got, err := decode(bad, key, 7); err == nil {
			t.Errorf("byte %d changed: accepted as %+v", i, got)
		}
		if _, err := decode(good[:i], key, 7); err == nil {
			t.Errorf("cut to %d bytes: accepted", i)
		}
	}
	if _, err := decode(append(bytes.Clone(good), 0), key, 7); err == nil {
		t.Error("a byte more: accepted")
	}
	if _, err := decode(good, append(key, ' '), 7); err == nil {
		t.Error("another key: accepted")
	}
	if _, err := decode(good, key, 8); err == nil {
		t.Error("another build: accepted")
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(Encode(sample()), []byte{})
	f.Add(encode(sample(), []byte("key"), 0), []byte("key"))
	f.Add([]byte(magic+"\x02"), []byte{})
	f.Fuzz(func(t *testing.T, b, key []byte) {
		p, err := decode(b, key, 0)
		if err == nil && !bytes.Equal(encode(&p, key, 0), b) {
			t.Error("accepted what encode would not write")
		}
	})
}

func entryFile(t *testing.T, dir string) string {
	t.Helper()
	list, err := filepath.Glob(dir + "/*")
	if err != nil || len(list) != 1 {
		t.Fatalf("entries %v, %v; want one", list, err)
	}
	return list[0]
}

func TestCache(t *testing.T) {
	key := []byte(`{"defaultAction":"SCMP_ACT_ERRNO"}`)
	cases := []struct {
		name  string
		spoil func(t *testing.T, file string)
		hit   bool
	}{
		{"as it was written", func(*testing.T, string) {}, true},
		{"cut", func(t *testing.T, f string) { must(t, os.Truncate(f, 300)) }, false},
		{"emptied", func(t *testing.T, f string) { must(t, os.Truncate(f, 0)) }, false},
		{"overwritten", func(t *testing.T, f string) { must(t, os.WriteFile(f, []byte(strings.Repeat("x", 9000)), 0o600)) }, false},
		{"of another user", func(t *testing.T, f string) {
			if os.Geteuid() != 0 {
				t.Skip("needs root to give a file away")
			}
			must(t, os.Chown(f, 12345, 0))
		}, false},
		{"writable by others", func(t *testing.T, f string) { must(t, os.Chmod(f, 0o602)) }, false},
		{"writable by the group", func(t *testing.T, f string) { must(t, os.Chmod(f, 0o620)) }, false},
		{"a link to it", func(t *testing.T, f string) {
			must(t, os.Rename(f, f+".real"))
			must(t, os.Symlink(f+".real", f))
		}, false},
		{"a fifo", func(t *testing.T, f string) {
			must(t, os.Remove(f))
			must(t, mkfifo(f))
		}, false},
		{"gone", func(t *testing.T, f string) { must(t, os.Remove(f)) }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cc := cache{dir: t.TempDir() + "/.seccomp"}
			cc.put(key, sample())
			f := entryFile(t, cc.dir)
			if st, err := os.Stat(f); err != nil || st.Mode() != 0o600 {
				t.Fatalf("mode %v, %v", st.Mode(), err)
			}
			c.spoil(t, f)
			got, hit := cc.get(key)
			if hit != c.hit {
				t.Fatalf("hit: %v, want %v", hit, c.hit)
			}
			if hit && !same(&got, sample()) {
				t.Errorf("got %+v", got)
			}
			// Whatever was there, an insertion repairs it.
			cc.put(key, sample())
			if _, hit = cc.get(key); !hit {
				t.Error("not repaired by the next insertion")
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Two keys that share a file name must not share a program.
func TestCollision(t *testing.T) {
	cc := cache{dir: t.TempDir()}
	a, b := []byte("one profile"), []byte("profile two")
	cc.put(a, sample())
	must(t, os.Rename(cc.name(a), cc.name(b)))
	if p, hit := cc.get(b); hit {
		t.Errorf("got another's program: %+v", p)
	}
}

func TestCacheDirectoryOfOthersIsNotUsed(t *testing.T) {
	dir := t.TempDir() + "/.seccomp"
	must(t, os.Mkdir(dir, 0o700))
	must(t, os.Chmod(dir, 0o777))
	cc := cache{dir: dir}
	cc.put([]byte("k"), sample())
	if list, _ := os.ReadDir(dir); len(list) != 0 {
		t.Errorf("wrote %v to a directory that everybody may write", list)
	}
}

func TestPrune(t *testing.T) {
	cc := cache{dir: t.TempDir()}
	old := time.Now().Add(-2 * time.Hour)
	for i := range maxEntries + 5 {
		f := fmt.Sprintf("%s/%04d", cc.dir, i)
		must(t, os.WriteFile(f, nil, 0o600))
		must(t, os.Chtimes(f, time.Time{}, old.Add(time.Duration(i)*time.Second)))
	}
	for name, age := range map[string]time.Time{tmpPrefix + "dead": old, tmpPrefix + "live": time.Now()} {
		must(t, os.WriteFile(cc.dir+"/"+name, nil, 0o600))
		must(t, os.Chtimes(cc.dir+"/"+name, time.Time{}, age))
	}
	cc.put([]byte("new"), sample())
	if _, hit := cc.get([]byte("new")); !hit {
		t.Error("the new entry was dropped")
	}
	for name, want := range map[string]bool{"0000": false, "0005": false, "0006": true, tmpPrefix + "dead": false, tmpPrefix + "live": true} {
		if _, err := os.Stat(cc.dir + "/" + name); (err == nil) != want {
			t.Errorf("%s: is there %v, want %v", name, err == nil, want)
		}
	}
	if list, _ := os.ReadDir(cc.dir); len(list) != maxEntries+1 {
		t.Errorf("%d files, want %d and one unfinished", len(list), maxEntries)
	}
}

// A killed process's unfinished file may have the name this process would take.
func TestLeftoverOfSamePid(t *testing.T) {
	cc := cache{dir: t.TempDir()}
	key := []byte("k")
	tmp := fmt.Sprintf("%s/%s%d-%x", cc.dir, tmpPrefix, os.Getpid(), hash(key, 1))
	must(t, os.WriteFile(tmp, []byte("half"), 0o600))
	cc.put(key, sample())
	if _, err := os.Stat(tmp); err == nil {
		t.Error("the leftover stays for ever")
	}
	cc.put(key, sample())
	if _, hit := cc.get(key); !hit {
		t.Error("no entry after the second insertion")
	}
}

func TestNoCacheDirectory(t *testing.T) {
	cc := cache{}
	cc.put([]byte("k"), sample())
	if _, hit := cc.get([]byte("k")); hit {
		t.Error("a hit without a cache")
	}
}

func BenchmarkHit(b *testing.B) {
	cc := cache{dir: b.TempDir()}
	key := bytes.Repeat([]byte(`{"names":["read"],"action":"SCMP_ACT_ALLOW"},`), 170)
	p := sample()
	p.BPF = bytes.Repeat(p.BPF, 2)
	cc.put(key, p)
	b.ReportMetric(float64(len(key)), "key-bytes")
	for b.Loop() {
		if _, hit := cc.get(key); !hit {
			b.Fatal("miss")
		}
	}
}
