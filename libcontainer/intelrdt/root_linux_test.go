package intelrdt

import (
	"errors"
	"strings"
	"testing"
)

func TestRootNotMounted(t *testing.T) {
	if root, err := Root(); err == nil {
		t.Skipf("resctrl is mounted on %s", root)
	} else if !errors.Is(err, errors.ErrUnsupported) || !strings.HasPrefix(err.Error(), "linux.intelRdt: ") {
		t.Errorf("error %v", err)
	}
}
