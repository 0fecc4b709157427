package libcontainer

import (
	"encoding/binary"
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/lower"
)

// TestForgedFork: who has taken over the init's end of the socket cannot have the runtime take another process for it, which
// would be killed, limited and named in its place.
func TestForgedFork(t *testing.T) {
	victim := sleeper(t)
	stranger := os.Getppid()
	tests := map[string]struct {
		forks bool
		pid   int
		says  string
	}{
		"a plan that does not fork": {false, victim.PID, lower.ErrMessage.Error()},
		"no child of ours":          {true, stranger, "process " + strconv.Itoa(stranger) + ", which is none of ours"},
		"all processes":             {true, -1, "none of ours"},
		"our process group":         {true, 0, "none of ours"},
	}
	for name, tt := range tests {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		l := &launch{pidfd: -1, init: &lower.Init{Forks: tt.forks}}
		l.sync, l.answer = pair[0], func(lower.Message, []int) error { return lower.ErrMessage }
		message := make([]byte, lower.MessageSize)
		binary.LittleEndian.PutUint32(message, uint32(lower.Forked))
		binary.LittleEndian.PutUint32(message[4:], uint32(tt.pid))
		if _, err := unix.Write(pair[1], message); err != nil {
			t.Fatal(err)
		}
		err = l.untilReady()
		if err == nil || !strings.Contains(err.Error(), tt.says) || errors.Is(err, errGone) {
			t.Errorf("%s: %v", name, err)
		}
		if l.pid != 0 {
			t.Errorf("%s: process %d is taken for the init", name, l.pid)
		}
		unix.Close(pair[0])
		unix.Close(pair[1])
	}
}
