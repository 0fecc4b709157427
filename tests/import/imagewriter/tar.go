// Package imagewriter writes images for tests, ordinary and odd ones: in every layout, byte for byte the same at each
// run, and free to say of itself what is not true.
package imagewriter

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Epoch is the time of entries that name none.
var Epoch = time.Date(2023, 11, 14, 22, 13, 20, 123456789, time.UTC)

// Entry is one entry of a tar. Only Name is needed; Typeflag is taken from the rest where it can be.
type Entry struct {
	Name  string
	Type  byte
	Data  string
	Link  string
	Mode  int64 // 0: 0644, of directories 0755
	Uid   int
	Gid   int
	Time  time.Time
	Major int64
	Minor int64
	PAX   map[string]string
}

// File makes a regular file's entry.
func File(name, data string) Entry { return Entry{Name: name, Data: data, Type: tar.TypeReg} }

// Dir makes a directory's entry.
func Dir(name string) Entry { return Entry{Name: name, Type: tar.TypeDir, Mode: 0o755} }

// Symlink makes a symbolic link's entry.
func Symlink(name, to string) Entry {
	return Entry{Name: name, Link: to, Type: tar.TypeSymlink, Mode: 0o777}
}

// Hardlink makes a hard link's entry.
func Hardlink(name, to string) Entry { return Entry{Name: name, Link: to, Type: tar.TypeLink} }

// Tar writes entries in PAX format, with times in nanoseconds.
func Tar(entries ...Entry) []byte {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, e := range entries {
		h := &tar.Header{Name: e.Name, Typeflag: e.Type, Linkname: e.Link, Mode: e.Mode, Uid: e.Uid, Gid: e.Gid, ModTime: e.Time,
			Devmajor: e.Major, Devminor: e.Minor, PAXRecords: e.PAX, Format: tar.FormatPAX, Size: int64(len(e.Data))}
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Mode == 0 {
			h.Mode = 0o644
		}
		if h.ModTime.IsZero() {
			h.ModTime = Epoch
		}
		must(w.WriteHeader(h))
		_, err := w.Write([]byte(e.Data))
		must(err)
	}
	must(w.Close())
	return b.Bytes()
}

// RawHeader makes one 512-byte block as it is told, with a right checksum: for what archive/tar refuses to write.
func RawHeader(name string, typeflag byte, size string) []byte {
	h := make([]byte, 512)
	copy(h[0:100], name)
	copy(h[100:], "0000644\x00")
	copy(h[108:], "0000000\x00")
	copy(h[116:], "0000000\x00")
	copy(h[124:136], size)
	copy(h[136:], "00000000000\x00")
	h[156] = typeflag
	copy(h[257:], "ustar\x0000")
	copy(h[148:], "        ")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

// Compressions that Compress knows.
var Compressions = []string{"", "gzip", "zstd", "xz", "bzip2"}

// Compress compresses. xz and bzip2 are done by the programs of that name, and so is what has options ("zstd --long=25").
func Compress(how string, raw []byte) []byte {
	var b bytes.Buffer
	switch how {
	case "":
		return raw
	case "gzip":
		w := gzip.NewWriter(&b)
		_, err := w.Write(raw)
		must(err)
		must(w.Close())
	case "zstd":
		w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		must(err)
		_, err = w.Write(raw)
		must(err)
		must(w.Close())
	default:
		args := strings.Fields(how)
		cmd := exec.Command(args[0], append(args[1:], "-c")...)
		cmd.Stdin, cmd.Stdout = bytes.NewReader(raw), &b
		must(cmd.Run())
	}
	return b.Bytes()
}

// Digest is the OCI digest of some bytes.
func Digest(raw []byte) string {
	sum := sha256.Sum256(raw)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
