package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
)

// listTemplate is the id of the one real container of the list case. Copies have ids of the same length, so that
// replacing it within any file keeps the file valid.
const listTemplate = "bench-00000"

// prepareList makes many containers in the runtime's own state directory. One is real; the others are copies of its
// state with another id, so that each is read, decoded and checked against a live process as a real one is, without
// the minutes that a thousand containers of the slower runtimes take.
func prepareList(d *results, r runtime) (measure, func(), error) {
	if r.Name == floorName {
		return nil, nil, nil
	}
	work, root := d.Setup.Work, rootFor(d.Setup.Work, "list", r)
	bundle, err := writeBundle(work, "list-"+r.Name, pauseSpec("/gspawn-test/bench-list-"+r.Name))
	if err != nil {
		return nil, nil, err
	}
	if err := quiet(work, r.argv(root, "run", "--detach", "--bundle", bundle, listTemplate)); err != nil {
		return nil, nil, err
	}
	done := func() { removeList(d, root, r) }
	for i := 1; i < d.Setup.Listed; i++ {
		if err := copyState(root, fmt.Sprintf("bench-%05d", i)); err != nil {
			return nil, done, err
		}
	}
	argv := r.argv(root, "list", "--quiet")
	out, err := exec.Command(argv[0], argv[1:]...).Output()
	if err != nil {
		return nil, done, fmt.Errorf("list %d containers: %w", d.Setup.Listed, err)
	}
	if n := len(bytes.Fields(out)); n != d.Setup.Listed {
		return nil, done, fmt.Errorf("list shows %d of %d containers", n, d.Setup.Listed)
	}
	return func(int) (sample, error) {
		s, err := spawn(work, r.argv(root, "list"))
		d.peak("list", r, s)
		return s, err
	}, done, nil
}

func removeList(d *results, root string, r runtime) {
	for i := 1; i < d.Setup.Listed; i++ {
		_ = os.RemoveAll(filepath.Join(root, fmt.Sprintf("bench-%05d", i)))
	}
	_ = quiet(d.Setup.Work, r.argv(root, "delete", "--force", listTemplate))
}

// copyState copies the regular files of the template's state under another id.
func copyState(root, id string) error {
	from := filepath.Join(root, listTemplate)
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		to := filepath.Join(root, id, rel)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		switch {
		case entry.IsDir():
			return os.MkdirAll(to, info.Mode().Perm())
		case info.Mode().IsRegular():
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(to, bytes.ReplaceAll(text, []byte(listTemplate), []byte(id)), info.Mode().Perm())
		}
		return nil
	})
}
