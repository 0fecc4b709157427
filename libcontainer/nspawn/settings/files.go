package settings

import (
	"fmt"
	"path"
	"strings"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
)

// setFiles stores the values of [Files] that have a form of their own.
func (s *Settings) setFiles(key, value string) error {
	switch key {
	case "Bind", "BindReadOnly":
		bind, err := ParseBind(value)
		if err != nil {
			return err
		}
		bind.ReadOnly = key == "BindReadOnly"
		s.Binds = append(s.Binds, bind)
	case "TemporaryFileSystem":
		tmpfs, err := ParseTmpfs(value)
		if err != nil {
			return err
		}
		s.Tmpfs = append(s.Tmpfs, tmpfs)
	case "Overlay", "OverlayReadOnly":
		overlay, err := ParseOverlay(value, key == "OverlayReadOnly")
		if err != nil {
			return err
		}
		s.Overlays = append(s.Overlays, overlay)
	case "BindUser":
		s.BindUser = append(s.BindUser, strings.Fields(value)...)
	case "PrivateUsersChown":
		// The old name, a boolean.
		on, err := nspawn.ParseBool(value)
		switch {
		case err != nil:
			return err
		case on:
			s.Ownership = "chown"
		default:
			s.Ownership = "off"
		}
	}
	return nil
}

// ParseBind reads SOURCE[:DESTINATION[:OPTIONS]] of --bind= and Bind=; a colon
// in a path is written \:. A source with + before it is in the image; an empty
// one is a fresh directory.
func ParseBind(value string) (Bind, error) {
	parts := splitColons(value)
	if len(parts) > 3 {
		return Bind{}, fmt.Errorf("%q has more than three parts", value)
	}
	bind := Bind{Source: parts[0], Destination: strings.TrimPrefix(parts[0], "+")}
	if len(parts) > 1 {
		bind.Destination = parts[1]
	}
	if err := absolute(bind.Destination); err != nil {
		return Bind{}, err
	}
	if source := strings.TrimPrefix(bind.Source, "+"); source != "" {
		if err := absolute(source); err != nil {
			return Bind{}, err
		}
	}
	bind.Destination = path.Clean(bind.Destination)
	if len(parts) > 2 {
		for _, word := range strings.Split(parts[2], ",") {
			if err := oneOf(word, " rbind norbind idmap noidmap rootidmap owneridmap "); err != nil {
				return Bind{}, fmt.Errorf("option %q: %w", word, err)
			}
			bind.Options = append(bind.Options, word)
		}
	}
	return bind, nil
}

// ParseTmpfs reads PATH[:OPTIONS].
func ParseTmpfs(value string) (Tmpfs, error) {
	parts := splitColons(value)
	if len(parts) > 2 {
		return Tmpfs{}, fmt.Errorf("%q has more than two parts", value)
	}
	if err := absolute(parts[0]); err != nil {
		return Tmpfs{}, err
	}
	tmpfs := Tmpfs{Path: path.Clean(parts[0]), Options: []string{"mode=0755"}}
	if len(parts) == 2 {
		tmpfs.Options = strings.Split(parts[1], ",")
	}
	return tmpfs, nil
}

// ParseOverlay reads LOWER[:LOWER…]:UPPER:DESTINATION; with two parts the
// second is the upper directory and the destination. A read-only overlay has
// lower directories only.
func ParseOverlay(value string, readOnly bool) (Overlay, error) {
	parts := splitColons(value)
	if len(parts) < 2 {
		return Overlay{}, fmt.Errorf("%q has one part only: want LOWER:UPPER:DESTINATION", value)
	}
	dirs, destination := parts[:len(parts)-1], parts[len(parts)-1]
	if len(parts) == 2 {
		dirs = parts
	}
	if err := absolute(destination); err != nil {
		return Overlay{}, err
	}
	for i, dir := range dirs {
		if name := strings.TrimPrefix(dir, "+"); name != "" || i < len(dirs)-1 || readOnly {
			if err := absolute(name); err != nil {
				return Overlay{}, err
			}
		}
	}
	overlay := Overlay{Lower: dirs, Destination: path.Clean(destination), ReadOnly: readOnly}
	if !readOnly {
		overlay.Lower, overlay.Upper = dirs[:len(dirs)-1], dirs[len(dirs)-1]
	}
	return overlay, nil
}

// splitColons splits at colons that have no backslash before them, and takes
// the backslashes away.
func splitColons(value string) []string {
	var parts []string
	var part strings.Builder
	for i := 0; i < len(value); i++ {
		switch {
		case value[i] == '\\' && i+1 < len(value) && (value[i+1] == ':' || value[i+1] == '\\'):
			i++
			part.WriteByte(value[i])
		case value[i] == ':':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(value[i])
		}
	}
	return append(parts, part.String())
}
