package libcontainer

import (
	"os"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/libcontainer/lower"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/notify"
)

// keep takes what the init hands over for as long as the system lives.
func (s *system) keep(what lower.Request, fds []int) error {
	if s == nil || len(fds) != 1 {
		return lower.ErrMessage
	}
	fd, err := unix.FcntlInt(uintptr(fds[0]), unix.F_DUPFD_CLOEXEC, 3)
	if err != nil {
		return err
	}
	if what == lower.Hold {
		s.held = append(s.held, fd)
		return nil
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		return err
	}
	s.notify = os.NewFile(uintptr(fd), "notify")
	return nil
}

// actsOnSignals is the X_SYSTEMD_SIGNALS_LEVEL from which on systemd acts on
// SIGRTMIN+3; before it, such a signal is lost.
const actsOnSignals = 2

// listen passes what PID 1 says on to our own service manager, by nspawn's
// rules.
func (s *system) listen(leader int) {
	if s == nil {
		return
	}
	manager := os.Getenv("NOTIFY_SOCKET")
	_ = notify.Send(manager, notify.Started(leader, s.ready)) // nobody may listen
	if s.notify == nil {
		return
	}
	proxy := notify.NewProxy(s.notify, leader)
	go func() {
		for {
			m, err := proxy.Next()
			if err != nil {
				return
			}
			if m.Ready || m.SignalsLevel >= actsOnSignals {
				s.repeat()
			}
			_ = notify.Send(manager, m.Filter())
		}
	}()
}

// ended lets go of what was kept, and says that it is over.
func (s *system) ended(restarting bool) {
	if s == nil {
		return
	}
	_ = notify.Send(os.Getenv("NOTIFY_SOCKET"), notify.Stopping(restarting))
	if s.notify != nil {
		_ = s.notify.Close()
		s.notify = nil
	}
	for _, fd := range s.held {
		unix.Close(fd)
	}
	s.held = nil
}

// credentials are those of the command line.
func (c *container) credentials() ([]nspawn.Credential, error) {
	if c.run == nil {
		return nil, nil
	}
	var list []nspawn.Credential
	for _, text := range c.run.SetCredentials {
		one, err := nspawn.ParseSetCredential(text)
		if err == nil {
			list, err = nspawn.AddCredential(list, one)
		}
		if err != nil {
			return nil, err
		}
	}
	for _, text := range c.run.LoadCredentials {
		one, err := loadCredential(text)
		if err == nil {
			list, err = nspawn.AddCredential(list, one)
		}
		if err != nil {
			return nil, err
		}
	}
	return list, nil
}

func loadCredential(text string) (nspawn.Credential, error) {
	id, path, _ := strings.Cut(text, ":")
	if err := nspawn.CheckCredentialID(id); err != nil {
		return nspawn.Credential{}, err
	}
	value, err := os.ReadFile(path)
	return nspawn.Credential{ID: id, Value: value}, err
}
