package console

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

func TestVerify(t *testing.T) {
	master, slave := openPty(t)
	path, err := unix.Open("/dev/ptmx", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(path)
	regular, err := os.Create(filepath.Join(t.TempDir(), "ptmx"))
	if err != nil {
		t.Fatal(err)
	}
	defer regular.Close()
	null, err := os.Open("/dev/null")
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	tests := map[string]struct {
		fd   int
		want error
	}{
		"master":           {int(master.Fd()), nil},
		"slave":            {int(slave.Fd()), ErrNotMaster},
		"multiplexer path": {path, ErrNotMaster},
		"regular file":     {int(regular.Fd()), ErrNotMaster},
		"other device":     {int(null.Fd()), ErrNotMaster},
		"closed":           {-1, unix.EBADF},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if err := Verify(tt.fd); !errors.Is(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
		})
	}
}
