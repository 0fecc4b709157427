package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/bundle"
	"github.com/gspawn/gspawn-oci/bundle/importflags"
)

// writeTemplate writes the configuration that import begins with: to standard output, or to the config.json of a
// directory, which must not have one.
func writeTemplate(which, dir string) error {
	s, err := template(which)
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(s, "", "\t")
	if err != nil {
		return fmt.Errorf("encode config.json: %w", err)
	}
	raw = append(raw, '\n')
	if dir == "" {
		_, err = os.Stdout.Write(raw)
		return err
	}
	path := filepath.Join(dir, "config.json")
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("file %s exists. Remove it first", path)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	return errors.Join(err, f.Close())
}

func template(which string) (*specs.Spec, error) {
	switch which {
	case importflags.Boot:
		return bundle.BootTemplate()
	case importflags.App:
		return bundle.AppTemplate(), nil
	}
	return nil, fmt.Errorf("there is no template %q", which)
}
