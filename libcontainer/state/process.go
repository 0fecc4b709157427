package state

import (
	"bytes"
	"errors"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Process identifies a process: a process ID alone may be another's later.
type Process struct {
	PID int
	// StartTime is in clock ticks since boot, field 22 of proc_pid_stat(5).
	StartTime uint64
	// Records is the length of the tape that an init runs, by which a later
	// command finds out what a record of it was for.
	Records int
}

// Find identifies the process that has this ID now. ok is false when there is
// none, or only the remains of one.
func Find(pid int) (p Process, ok bool) {
	var buf [512]byte
	fd, err := unix.Open("/proc/"+strconv.Itoa(pid)+"/stat", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return Process{}, false
	}
	n, err := unix.Read(fd, buf[:])
	unix.Close(fd)
	if err != nil {
		return Process{}, false
	}
	state, start, ok := parseStat(buf[:n])
	if !ok || state == 'Z' || state == 'X' {
		return Process{}, false
	}
	return Process{PID: pid, StartTime: start}, true
}

// parseStat reads the state and the start time. The name of the program, in
// parentheses, may itself have any bytes in it.
func parseStat(line []byte) (state byte, start uint64, ok bool) {
	i := bytes.LastIndexByte(line, ')')
	if i < 0 || i+2 >= len(line) {
		return 0, 0, false
	}
	rest := line[i+2:]
	for number := 3; len(rest) > 0; number++ { // of the fields after the name, each with a space behind it
		var field []byte
		field, rest, _ = bytes.Cut(rest, []byte(" "))
		switch number {
		case 3:
			if len(field) != 1 {
				return 0, 0, false
			}
			state = field[0]
		case 22:
			start, err := strconv.ParseUint(string(field), 10, 64)
			return state, start, err == nil
		}
	}
	return 0, 0, false
}

// Alive tells whether it is still the same process, and not a zombie.
func (p Process) Alive() bool {
	if p.PID == 0 {
		return false
	}
	now, ok := Find(p.PID)
	return ok && now.StartTime == p.StartTime
}

// Open opens the process by pidfd_open(2), and none that got its number after it:
// ESRCH when it is gone. It is looked at once it is open, as it may end before.
func (p Process) Open() (pidfd int, err error) {
	if pidfd, err = unix.PidfdOpen(p.PID, 0); err != nil {
		return -1, err
	}
	if !p.Alive() {
		unix.Close(pidfd)
		return -1, unix.ESRCH
	}
	return pidfd, nil
}

// Dead tells whether there was such a process and is no more.
func (p Process) Dead() bool { return p.PID != 0 && !p.Alive() }

func (p Process) text() string {
	return strconv.Itoa(p.PID) + " " + strconv.FormatUint(p.StartTime, 10) + " " + strconv.Itoa(p.Records) + "\n"
}

// parseProcess reads a pid file. One that was cut short by a kill is as good
// as not written.
func parseProcess(text string) Process {
	text, whole := strings.CutSuffix(text, "\n")
	number, text, _ := strings.Cut(text, " ")
	since, length, _ := strings.Cut(text, " ")
	pid, err := strconv.Atoi(number)
	start, err2 := strconv.ParseUint(since, 10, 64)
	records, err3 := strconv.Atoi(length)
	if !whole || errors.Join(err, err2, err3) != nil {
		return Process{}
	}
	return Process{PID: pid, StartTime: start, Records: records}
}

// InitName is what the executable of an init process is called, as the kernel
// shows it in /proc/PID/exe, until the program takes its place.
const InitName = "gspawn-oci-init"

// IsInit tells whether the process still is the init that waits for its start.
// Where the kernel does not let us look, it says so.
func (p Process) IsInit() bool {
	buf := make([]byte, 64)
	n, err := unix.Readlink("/proc/"+strconv.Itoa(p.PID)+"/exe", buf)
	if err != nil {
		return err == unix.EACCES || err == unix.EPERM
	}
	return strings.HasPrefix(string(buf[:n]), "/memfd:"+InitName)
}
