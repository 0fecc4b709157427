package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

const maxID = 1024 // bytes, as runc

// checkID applies runc's rule for the name of a container, and refuses a leading dot: such names in the state
// directory are the runtime's own.
func checkID(id string) error {
	switch {
	case id == "":
		return errors.New("container id cannot be empty")
	case len(id) > maxID:
		return errors.New("invalid container ID format: longer than 1024 bytes")
	case id[0] == '.':
		return errors.New("invalid container ID format: " + quote(id) + " begins with a dot")
	}
	for i := range len(id) {
		if !idByte(id[i]) {
			return errors.New("invalid container ID format: " + quote(id) + "; letters, digits and _ + - . are allowed")
		}
	}
	return nil
}

func idByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("_+-.", c) >= 0
}

// bundleArgument says whether the argument of `run` is a bundle, that is a directory with a config.json, and then
// gives its absolute path and the container id made of its name.
func bundleArgument(arg string) (bundle, id string, ok bool) {
	if fi, err := os.Stat(arg + "/config.json"); arg == "" || err != nil || fi.IsDir() {
		return "", "", false
	}
	bundle = arg
	if absolute(&bundle) != nil {
		return "", "", false
	}
	bundle = filepath.Clean(bundle)
	return bundle, idFromName(filepath.Base(bundle)), true
}

// idFromName replaces what a container id may not have.
func idFromName(base string) string {
	id := []byte(base)
	if len(id) > maxID {
		id = id[:maxID]
	}
	for i, c := range id {
		if !idByte(c) || (i == 0 && c == '.') {
			id[i] = '_'
		}
	}
	return string(id)
}
