package bundle

import (
	"errors"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// ownVolume gives a volume's tmpfs the owner and mode of the image's directory, which images set for the user that their
// program runs as. A tmpfs of its own would be root's.
func (w *work) ownVolume(m *specs.Mount) {
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	fd, err := unix.Openat2(w.fd, "."+m.Destination, &how)
	for errors.Is(err, unix.EAGAIN) { // something was renamed meanwhile, the kernel is not sure
		fd, err = unix.Openat2(w.fd, "."+m.Destination, &how)
	}
	if err != nil {
		return // the runtime makes the directory, which then is root's
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return
	}
	// The tree is shifted; the option counts in the container's ids.
	shift := w.o.uidShift()
	if st.Uid < shift || st.Gid < shift {
		shift = 0
	}
	m.Options = append(m.Options, fmt.Sprintf("mode=%o", st.Mode&0o7777), fmt.Sprintf("uid=%d", st.Uid-shift), fmt.Sprintf("gid=%d", st.Gid-shift))
}
