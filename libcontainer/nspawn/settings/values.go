package settings

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"github.com/gspawn/gspawn-oci/libcontainer/caps"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/uidrange"
)

// words that keys may be set to.
const (
	resolvModes = " off copy-host copy-static copy-uplink copy-stub replace-host replace-static replace-uplink replace-stub " +
		"bind-host bind-static bind-uplink bind-stub delete auto "
	timezoneModes = " off copy bind symlink delete auto "
	journalModes  = " no host try-host guest try-guest auto "
	volatileModes = " no yes state overlay "
	ownerModes    = " off chown map auto "
)

func setText(p *string, key, value string) error {
	var err error
	switch key {
	case "ResolvConf":
		err = oneOf(value, resolvModes)
	case "Timezone":
		err = oneOf(value, timezoneModes)
	case "LinkJournal":
		err = oneOf(value, journalModes)
	case "PrivateUsersOwnership":
		err = oneOf(value, ownerModes)
	case "Volatile":
		if on, failed := nspawn.ParseBool(value); failed == nil {
			value = map[bool]string{true: "yes", false: "no"}[on]
		}
		err = oneOf(value, volatileModes)
	case "WorkingDirectory", "NamespacePath":
		err = absolute(value)
	case "MachineID":
		id, ok := nspawn.ParseID(value)
		if value = id; !ok {
			err = fmt.Errorf("want 32 hex digits")
		}
	case "KillSignal":
		value, err = Signal(value)
	}
	if err == nil {
		*p = value
	}
	return err
}

func oneOf(value, words string) error {
	if strings.ContainsAny(value, " \t") || !strings.Contains(words, " "+value+" ") {
		return fmt.Errorf("want one of %s", strings.Join(strings.Fields(words), ", "))
	}
	return nil
}

func absolute(name string) error {
	if !path.IsAbs(name) {
		return fmt.Errorf("%q is not an absolute path", name)
	}
	return nil
}

// Signal gives a signal's name in the form "SIGTERM" or "SIGRTMIN+3"; a number
// from 1 to 64 is one, too.
func Signal(value string) (string, error) {
	if n, ok := nspawn.ParseSignal(value); !ok || n == 0 {
		return "", fmt.Errorf("%q is not a signal", value)
	}
	if _, err := strconv.Atoi(value); err == nil {
		return value, nil
	}
	return "SIG" + strings.TrimPrefix(strings.ToUpper(value), "SIG"), nil
}

// Capabilities reads a list of names, with or without CAP_, numbers and "all".
func Capabilities(value string) (uint64, error) {
	var mask uint64
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' }) {
		if word == "all" {
			return caps.All(caps.LastKnown), nil
		}
		n, err := strconv.Atoi(word)
		if err != nil {
			n = caps.Number("CAP_" + strings.TrimPrefix(strings.ToUpper(word), "CAP_"))
		}
		if n < 0 || n > 63 {
			return 0, fmt.Errorf("%q is not a capability", word)
		}
		mask |= 1 << n
	}
	return mask, nil
}

// setExec stores the values of [Exec] that have a form of their own.
func (s *Settings) setExec(key, value string) (err error) {
	switch key {
	case "Boot":
		return s.setStart(value, StartBoot)
	case "ProcessTwo":
		return s.setStart(value, StartPID2)
	case "Parameters":
		var words []string
		words, err = splitWords(value)
		s.Parameters = append(s.Parameters, words...)
	case "Environment":
		err = s.setEnvironment(value)
	case "Capability":
		err = addMask(&s.Capability, value)
	case "DropCapability":
		err = addMask(&s.DropCapability, value)
	case "AmbientCapability":
		err = addMask(&s.AmbientCaps, value)
	case "PrivateUsers":
		var request uidrange.Request
		if request, err = uidrange.Parse(value, true); err == nil {
			s.PrivateUsers = &request
		}
	case "OOMScoreAdjust":
		err = s.setOOMScore(value)
	default:
		err = fmt.Errorf("not supported")
	}
	return err
}

func (s *Settings) setOOMScore(value string) error {
	n, err := strconv.Atoi(value)
	if err == nil && (n < -1000 || n > 1000) {
		err = fmt.Errorf("want -1000 to 1000")
	}
	if err == nil {
		s.OOMScoreAdjust = &n
	}
	return err
}

func (s *Settings) setStart(value string, start Start) error {
	on, err := nspawn.ParseBool(value)
	switch {
	case err != nil:
		return err
	case on && s.Start != StartUnset && s.Start != StartPID1 && s.Start != start:
		return fmt.Errorf("Boot= and ProcessTwo= exclude each other") //nolint:staticcheck // the key is written so
	case on:
		s.Start = start
	case s.Start == StartUnset:
		s.Start = StartPID1
	}
	return nil
}

func (s *Settings) setEnvironment(value string) error {
	words, err := splitWords(value)
	if err != nil {
		return err
	}
	for _, w := range words {
		if i := strings.IndexByte(w, '='); i <= 0 {
			return fmt.Errorf("%q is not NAME=VALUE", w)
		}
	}
	s.Environment = append(s.Environment, words...)
	return nil
}

func addMask(mask *uint64, value string) error {
	m, err := Capabilities(value)
	*mask |= m
	return err
}
