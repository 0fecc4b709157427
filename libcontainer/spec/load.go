package spec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall" //nolint:depguard // package os would register the file with the poller, see readFile; any Unix has it

	"github.com/opencontainers/runtime-spec/specs-go"
)

// MaxSize is the size in bytes of the largest document that is read. The biggest configurations seen from
// engines are below 200 kB; the limit keeps a wrong --bundle from eating the memory of the host.
const MaxSize = 10 << 20

// ConfigName is the file in a bundle that holds the configuration (runtime-spec, bundle.md).
const ConfigName = "config.json"

// Config is a configuration that was read but not yet validated.
type Config struct {
	// Spec is the decoded document. Its strings share memory with Raw. Sections for other platforms
	// (solaris, windows, vm, zos, freebsd) are not decoded: an empty value tells that one was there.
	// Linux.Seccomp is an empty marker when the document has a profile, see Seccomp.
	Spec *specs.Spec
	// Raw is the document as it was read. It must not be changed.
	Raw []byte
	// Seccomp is the text of linux.seccomp, nil when absent or null; it is part of Raw. It is known to be
	// well-formed JSON, and that is all. Profiles are 15–60 kB and compiled programs are cached by their content,
	// so it is left to package seccomp. Spec.Linux.Seccomp points to an empty
	// LinuxSeccomp then, whose missing default action no compiler accepts: code that forgets this field
	// fails closed instead of running a container without its filter.
	Seccomp []byte
}

// Load reads and decodes config.json of the bundle directory. It does not validate: see Validate.
// A missing file satisfies errors.Is(err, fs.ErrNotExist); a malformed document is a *DecodeError.
func Load(bundle string) (*Config, error) {
	name := filepath.Join(bundle, ConfigName)
	raw, err := readFile(name)
	if err != nil {
		return nil, err
	}
	c, err := Decode(raw)
	if err != nil {
		return nil, inFile(name, err)
	}
	return c, nil
}

// LoadProcess reads and decodes the process object in the file name (exec --process). Errors are as in Load.
func LoadProcess(name string) (*specs.Process, error) {
	raw, err := readFile(name)
	if err != nil {
		return nil, err
	}
	p, err := DecodeProcess(raw)
	if err != nil {
		return nil, inFile(name, err)
	}
	return p, nil
}

// inFile names the file in a DecodeError.
func inFile(name string, err error) error {
	if de, ok := errors.AsType[*DecodeError](err); ok {
		de.File = name
	}
	return err
}

// readFile reads at most MaxSize bytes with as few system calls as can be: package os would register the
// file with the poller first, which makes an epoll instance.
func readFile(name string) ([]byte, error) {
	fd, err := openRead(name)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: name, Err: err}
	}
	defer syscall.Close(fd)
	var st syscall.Stat_t
	if err := syscall.Fstat(fd, &st); err != nil {
		return nil, &os.PathError{Op: "stat", Path: name, Err: err}
	}
	size := 64 << 10
	if st.Mode&syscall.S_IFMT == syscall.S_IFREG {
		if st.Size > MaxSize {
			return nil, tooLarge(name)
		}
		size = int(st.Size) + 1
	}
	return readAll(fd, name, make([]byte, size), st.Mode&syscall.S_IFMT == syscall.S_IFREG)
}

// readAll fills buf and grows it until the end of the file. Of a regular file, a short read is the end.
func readAll(fd int, name string, buf []byte, regular bool) ([]byte, error) {
	n := 0
	for {
		m, err := syscall.Read(fd, buf[n:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return nil, &os.PathError{Op: "read", Path: name, Err: err}
		}
		n += m
		if n > MaxSize {
			return nil, tooLarge(name)
		}
		if m == 0 || regular && n < len(buf) {
			return buf[:n:n], nil
		}
		if n == len(buf) {
			buf = append(buf, make([]byte, len(buf))...)
		}
	}
}

func openRead(name string) (int, error) {
	for {
		fd, err := syscall.Open(name, syscall.O_RDONLY|syscall.O_CLOEXEC, 0)
		if err != syscall.EINTR {
			return fd, err
		}
	}
}

func tooLarge(name string) error {
	return fmt.Errorf("read %q: the document is larger than %d MiB, the most that is accepted", name, MaxSize>>20)
}
