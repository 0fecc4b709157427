package archive

import (
	"bytes"
	"testing"

	iw "github.com/gspawn/gspawn-oci/tests/import/imagewriter"
)

// FuzzOpenTar reads archives of any bytes. Whatever they are, what a name gives lies within them, and a chain of links
// ends.
func FuzzOpenTar(f *testing.F) {
	i := &iw.Image{Layers: [][]byte{iw.Tar(iw.File("a", "1")), iw.Tar(iw.Dir("b"))}, Tags: []string{"x:1"}}
	for _, raw := range [][]byte{
		i.DockerSave().Tar(), i.Docker25().Tar(), i.Podman().Tar(), i.OCI().Tar(), i.DockerSave().Tar()[:3000],
		iw.Tar(iw.Symlink("manifest.json", "b"), iw.Symlink("b", "manifest.json"), iw.Hardlink("c", "../../etc/passwd")),
		iw.RawHeader("manifest.json", '0', "77777777777\x00"), iw.RawHeader("x", 'S', "-0000000001\x00"), nil,
	} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := Probe(bytes.NewReader(raw)); err != nil && len(raw) == 0 {
			t.Errorf("nothing is an empty archive: %v", err)
		}
		s, err := OpenTar(bytes.NewReader(raw), int64(len(raw)), nil)
		if err != nil {
			return
		}
		defer s.Close()
		for name := range s.(*tarball).members {
			file, err := s.Open(name)
			if err != nil {
				continue
			}
			if size := file.Size(); size < 0 || size > int64(len(raw)) {
				t.Errorf("%q has %d bytes, the archive %d", name, size, len(raw))
			}
			got, err := ReadAll(s, name, int64(len(raw)))
			if err != nil || !bytes.Contains(raw, got) {
				t.Errorf("read %q: %d bytes that are not the archive's, %v", name, len(got), err)
			}
			if err := file.Close(); err != nil {
				t.Error(err)
			}
		}
	})
}
