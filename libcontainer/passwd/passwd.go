// Package passwd finds a user's home directory in the root file system of a
// container, which may be hostile: no symlink leads out of it, and a file that
// is no ordinary one, or too big, counts as missing. It changes nothing.
package passwd

import (
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// maxSize bounds what is read, in bytes.
const maxSize = 1 << 20

// Home is the home directory of a user by <root>/etc/passwd, passwd(5). As in
// runc it is "/" for a user whom the file does not know.
func Home(root string, uid uint32) string {
	data := read(root)
	want := strconv.FormatUint(uint64(uid), 10)
	for line := range strings.SplitSeq(data, "\n") {
		fields := strings.SplitN(line, ":", 7)
		if len(fields) >= 6 && fields[2] == want && fields[5] != "" {
			return fields[5]
		}
	}
	return "/"
}

func read(root string) string {
	dir, err := unix.Open(root, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(dir)
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_CLOEXEC, Resolve: unix.RESOLVE_IN_ROOT | unix.RESOLVE_NO_MAGICLINKS}
	file, err := unix.Openat2(dir, "etc/passwd", &how)
	for errors.Is(err, unix.EAGAIN) { // something was renamed meanwhile, the kernel is not sure
		file, err = unix.Openat2(dir, "etc/passwd", &how)
	}
	if err != nil {
		return ""
	}
	defer unix.Close(file)
	var st unix.Stat_t
	if unix.Fstat(file, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxSize {
		return ""
	}
	fd, err := unix.Open("/proc/self/fd/"+strconv.Itoa(file), unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return ""
	}
	defer unix.Close(fd)
	buf := make([]byte, st.Size)
	n := 0
	for n < len(buf) {
		m, err := unix.Read(fd, buf[n:])
		if err != nil || m == 0 {
			break
		}
		n += m
	}
	return string(buf[:n])
}
