// Package state keeps what is known of containers: one directory for each,
// <root>/<id>, holding
//
//	state.json   what was decided before the container was made
//	config.json  a copy of the configuration
//	pid          the init's process ID and start time, once there is one
//	start.sock   the socket that start connects to, from when the container
//	             is made until the program runs
//
// The directory exists before anything else does and is removed last, so that
// whatever a killed runtime leaves behind can be found and removed. Whoever
// changes a container holds the directory's lock (flock(2)), which the kernel
// lets go of with the process. What a container is doing is never stored: it
// is derived from its process and its socket.
package state

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// Errors whose texts callers look for; they are runc's.
var (
	ErrExists   = errors.New("container with given ID already exists")
	ErrNotExist = errors.New("container does not exist")
)

// ErrDamaged is a description that somebody else has written to.
var ErrDamaged = errors.New("the description of the container is damaged")

// Names of the files in a container's directory.
const (
	stateFile    = "state.json"
	newStateFile = "state.json.new"
	configFile   = "config.json"
	pidFile      = "pid"
	SocketFile   = "start.sock"
	newSocket    = "start.sock.new" // of a container that is being made
)

// lockPatience is how long Lock waits for another command to finish with the
// container; a create may be running hooks.
const lockPatience = 30 * time.Second

// Dir is an open container directory.
type Dir struct {
	ID   string
	path string
	fd   int
}

// Create makes the directory of a new container and locks it. The name
// decides: of two that create the same container one gets ErrExists.
func Create(root, id string) (*Dir, error) {
	const tries = 10
	for i := 1; ; i++ {
		d, err := create(root, id)
		// A delete may have removed what it took for the remains of another.
		if i == tries || !errors.Is(err, ErrNotExist) && !errors.Is(err, unix.ENOENT) {
			return d, err
		}
	}
}

func create(root, id string) (*Dir, error) {
	path := filepath.Join(root, id)
	err := unix.Mkdir(path, 0o711)
	if errors.Is(err, unix.ENOENT) {
		if err := os.MkdirAll(root, 0o711); err != nil {
			return nil, fmt.Errorf("make the state directory: %w", err)
		}
		err = unix.Mkdir(path, 0o711)
	}
	if errors.Is(err, unix.EEXIST) {
		return nil, ErrExists
	}
	if err != nil {
		return nil, fmt.Errorf("make the state directory %q: %w", path, err)
	}
	d, err := open(path, id)
	if err == nil {
		if err = d.Lock(); err == nil {
			return d, nil
		}
		d.Close()
	}
	_ = unix.Rmdir(path) // empty, or somebody else's by now
	return nil, err
}

// Open opens the directory of an existing container. It does not lock it.
func Open(root, id string) (*Dir, error) {
	d, err := open(root+"/"+id, id)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) {
		return nil, ErrNotExist
	}
	return d, err
}

func open(path, id string) (*Dir, error) {
	fd, err := unix.Open(path, unix.O_DIRECTORY|unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open the state directory %q: %w", path, err)
	}
	return &Dir{ID: id, path: path, fd: fd}, nil
}

// Close closes the directory and with it gives up the lock.
func (d *Dir) Close() { unix.Close(d.fd) }

// Path is the directory's path.
func (d *Dir) Path() string { return d.path }

// TryLock locks the directory unless another command holds the lock.
func (d *Dir) TryLock() bool { return unix.Flock(d.fd, unix.LOCK_EX|unix.LOCK_NB) == nil }

// Lock waits until no other command works on the container, 30 s at most.
func (d *Dir) Lock() error {
	deadline := time.Now().Add(lockPatience)
	for pause := time.Millisecond; ; pause = min(2*pause, 100*time.Millisecond) {
		err := unix.Flock(d.fd, unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return d.CheckThere()
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("lock the state directory %q: %w", d.path, err)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("lock the state directory %q: another command has been working on the container for %v", d.path, lockPatience)
		}
		time.Sleep(pause)
	}
}

// Unlock lets other commands work on the container.
func (d *Dir) Unlock() { _ = unix.Flock(d.fd, unix.LOCK_UN) }

// CheckThere makes sure that the directory was not removed since it was opened:
// ErrNotExist.
func (d *Dir) CheckThere() error {
	var st unix.Stat_t
	if err := unix.Fstat(d.fd, &st); err == nil && st.Nlink == 0 {
		return ErrNotExist
	}
	return nil
}

// Busy tells whether another command holds the lock.
func (d *Dir) Busy() bool {
	err := unix.Flock(d.fd, unix.LOCK_SH|unix.LOCK_NB)
	if err == nil {
		_ = unix.Flock(d.fd, unix.LOCK_UN)
	}
	return errors.Is(err, unix.EWOULDBLOCK)
}

// Creating tells whether another command is making a container that has no process
// yet: ErrNotExist when one is removing it instead, or has. Those two are told apart
// by the configuration, which comes first and goes first.
func (d *Dir) Creating() (bool, error) {
	if !d.Busy() {
		return false, d.CheckThere()
	}
	if errors.Is(unix.Faccessat(d.fd, configFile, unix.F_OK, 0), unix.ENOENT) {
		return false, ErrNotExist
	}
	return true, nil
}

// write makes a file of the directory in one go.
func (d *Dir) write(name string, data []byte) error {
	fd, err := unix.Openat(d.fd, name, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0o600)
	if err == nil {
		var n int
		if n, err = unix.Write(fd, data); err == nil && n < len(data) {
			err = unix.ENOSPC
		}
		if e := unix.Close(fd); err == nil {
			err = e
		}
	}
	if err != nil {
		return fmt.Errorf("write %q: %w", filepath.Join(d.path, name), err)
	}
	return nil
}

// read reads a file, into the memory that is given if the file is shorter.
func (d *Dir) read(name string, few []byte) ([]byte, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: filepath.Join(d.path, name), Err: err}
	}
	defer unix.Close(fd)
	data, err := readAll(fd, few)
	if err != nil {
		return nil, &os.PathError{Op: "read", Path: filepath.Join(d.path, name), Err: err}
	}
	return data, nil
}

// readAll reads a regular file, whose end a short read is.
func readAll(fd int, few []byte) ([]byte, error) {
	n, err := unix.Read(fd, few)
	if err != nil {
		return nil, err
	}
	if n < len(few) {
		return few[:n], nil
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		return nil, err
	}
	data := make([]byte, max(int(st.Size), n))
	for n = copy(data, few); n < len(data); {
		m, err := unix.Read(fd, data[n:])
		if err != nil {
			return nil, err
		}
		if m == 0 {
			break
		}
		n += m
	}
	return data[:n], nil
}

// WriteConfig keeps a copy of the configuration.
func (d *Dir) WriteConfig(raw []byte) error { return d.write(configFile, raw) }

// SetProcess records the init process.
func (d *Dir) SetProcess(p Process) error {
	return d.write(pidFile, []byte(p.text()))
}

// HasProcess tells whether the file for the init process exists, be it damaged or
// cut short.
func (d *Dir) HasProcess() bool { return unix.Faccessat(d.fd, pidFile, unix.F_OK, 0) == nil }

// Process returns the init process; the zero Process if there is none yet.
func (d *Dir) Process() (Process, error) {
	var few [128]byte
	data, err := d.read(pidFile, few[:])
	if errors.Is(err, unix.ENOENT) {
		return Process{}, nil
	}
	if err != nil {
		return Process{}, err
	}
	return parseProcess(string(data)), nil
}

// Started forgets the socket: the program runs.
func (d *Dir) Started() error {
	if err := unix.Unlinkat(d.fd, SocketFile, 0); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove %q: %w", filepath.Join(d.path, SocketFile), err)
	}
	return nil
}

// Made gives the socket its name: the container is made and waits for its start.
func (d *Dir) Made() error {
	if err := unix.Renameat(d.fd, newSocket, d.fd, SocketFile); err != nil {
		return fmt.Errorf("rename %q: %w", filepath.Join(d.path, newSocket), err)
	}
	return nil
}

// Waiting tells whether the container is made and waits for its start.
func (d *Dir) Waiting() bool {
	return unix.Faccessat(d.fd, SocketFile, unix.F_OK, 0) == nil
}

// SocketPath names the socket in a way that fits into an address of 108 bytes
// however long the directory's path is. It is valid in this process.
func (d *Dir) SocketPath() string { return d.inDir(SocketFile) }

// NewSocketPath is SocketPath of a container that is not made yet.
func (d *Dir) NewSocketPath() string { return d.inDir(newSocket) }

func (d *Dir) inDir(name string) string { return "/proc/self/fd/" + strconv.Itoa(d.fd) + "/" + name }

// Remove removes the directory with all files that this package makes, last
// the directory itself. What is not there is no error. The configuration is the
// first to go (Creating), and the description goes before the process, without
// which it would be another container's.
func (d *Dir) Remove() error {
	for _, name := range [...]string{configFile, stateFile, newStateFile, pidFile, SocketFile, newSocket} {
		if err := unix.Unlinkat(d.fd, name, 0); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("remove %q: %w", filepath.Join(d.path, name), err)
		}
	}
	if err := unix.Rmdir(d.path); err != nil && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("remove the state directory %q: %w", d.path, err)
	}
	return nil
}

// List names what may be containers below root, sorted. Something else that lies
// there does not exist for Open.
func List(root string) ([]string, error) {
	dir, err := os.Open(root)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	var ids []string
	if err == nil {
		ids, err = dir.Readdirnames(-1)
		dir.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("list the state directory: %w", err)
	}
	ids = slices.DeleteFunc(ids, func(name string) bool { return name[0] == '.' })
	slices.Sort(ids)
	return ids, nil
}
