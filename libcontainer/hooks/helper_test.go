package hooks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// sh is a hook that runs a shell script.
func sh(script string) specs.Hook {
	return specs.Hook{Path: "/bin/sh", Args: []string{"sh", "-c", script}, Env: []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}}
}

// within gives a hook a timeout in seconds.
func within(seconds int, h specs.Hook) specs.Hook {
	h.Timeout = &seconds
	return h
}

// out is a file that hooks write, and what is in it.
type out struct {
	t    *testing.T
	path string
}

func newOut(t *testing.T) out { return out{t, filepath.Join(t.TempDir(), "out")} }

func (o out) want(want string) {
	o.t.Helper()
	got, err := os.ReadFile(o.path)
	if err != nil && !os.IsNotExist(err) {
		o.t.Fatal(err)
	}
	if strings.TrimSuffix(string(got), "\n") != want {
		o.t.Errorf("the hook wrote %q, want %q", got, want)
	}
}
