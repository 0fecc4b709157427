package settings

import (
	"fmt"
	"strings"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn"
	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/uidrange"
)

// Parse reads a file.
func Parse(text string) (*Settings, []Warning) {
	s := &Settings{}
	var warnings []Warning
	current := ""
	warn := func(line int, format string, args ...any) {
		warnings = append(warnings, Warning{line, fmt.Sprintf(format, args...)})
	}
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		number := i + 1
		line := strings.TrimSpace(lines[i])
		for strings.HasSuffix(line, `\`) && i+1 < len(lines) && !comment(line) {
			i++
			if !comment(strings.TrimSpace(lines[i])) {
				line = line[:len(line)-1] + " " + strings.TrimSpace(lines[i])
			}
		}
		switch {
		case line == "" || comment(line):
		case line[0] == '[':
			current = header(line, number, warn)
		case current == "":
			// A section that was warned of, or nothing yet.
			if len(warnings) == 0 {
				warn(number, "%q stands outside of any section", line)
			}
		default:
			s.line(current, line, number, warn)
		}
	}
	s.settle(warn)
	return s, warnings
}

// header gives the name of a section that is read, "" for any other one.
func header(line string, number int, warn func(int, string, ...any)) string {
	switch name := strings.Trim(line, "[]"); {
	case name == "Exec" || name == "Files" || name == "Network":
		return name
	case !strings.HasPrefix(name, "X-"):
		warn(number, "unknown section [%s]", name)
	}
	return ""
}

func comment(line string) bool { return line != "" && (line[0] == '#' || line[0] == ';') }

// line takes one assignment in.
func (s *Settings) line(current, line string, number int, warn func(int, string, ...any)) {
	key, value, ok := strings.Cut(line, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	switch belongs := section(key); {
	case !ok:
		warn(number, "%q is not a key with a value", line)
		return
	case belongs == "":
		if !strings.HasPrefix(key, "X-") {
			warn(number, "unknown key %s= in [%s]", key, current)
		}
		return
	case belongs != current:
		warn(number, "%s= belongs to [%s], not to [%s]", key, belongs, current)
		return
	}
	if err := s.set(key, value); err != nil {
		warn(number, "%s=%s is ignored: %v", key, value, err)
		return
	}
	s.keys = append(s.keys, setKey{key, number})
}

// settle applies what one key implies for another.
func (s *Settings) settle(warn func(int, string, ...any)) {
	if s.Start == StartUnset && len(s.Parameters) > 0 {
		warn(s.lineOf("Parameters"), "Parameters= is ignored: it counts with Boot= or ProcessTwo= only")
		s.Parameters = nil
	}
	if s.Ownership != "" && s.PrivateUsers == nil {
		s.PrivateUsers = &uidrange.Request{}
		warn(s.lineOf("PrivateUsersOwnership"), "PrivateUsersOwnership= without PrivateUsers= turns private users off")
	}
	if s.PrivateUsers != nil && s.PrivateUsers.Mode == uidrange.Picked && s.Ownership == "" {
		s.Ownership = "chown" // unlike on a command line
	}
}

func (s *Settings) lineOf(key string) int {
	for _, k := range s.keys {
		if k.name == key {
			return k.line
		}
	}
	return 0
}

// set stores one value; an empty one resets the key.
func (s *Settings) set(key, value string) error {
	if value == "" {
		s.reset(key)
		return nil
	}
	if p := s.boolean(key); p != nil {
		on, err := nspawn.ParseBool(value)
		if err == nil {
			*p = &on
		}
		return err
	}
	if p := s.text(key); p != nil {
		return setText(p, key, value)
	}
	if p := s.list(key); p != nil {
		switch key {
		case "Interface", "MACVLAN", "IPVLAN":
			*p = append(*p, strings.Fields(value)...)
		default:
			*p = append(*p, value)
		}
		return nil
	}
	if kind, ok := strings.CutPrefix(key, "Limit"); ok {
		return s.setLimit(kind, value)
	}
	if section(key) == "Files" {
		return s.setFiles(key, value)
	}
	return s.setExec(key, value)
}

func (s *Settings) boolean(key string) **bool {
	switch key {
	case "Ephemeral":
		return &s.Ephemeral
	case "NotifyReady":
		return &s.NotifyReady
	case "NoNewPrivileges":
		return &s.NoNewPrivileges
	case "SuppressSync":
		return &s.SuppressSync
	case "ReadOnly":
		return &s.ReadOnly
	case "Private":
		return &s.Private
	case "VirtualEthernet":
		return &s.VirtualEthernet
	}
	return nil
}

func (s *Settings) text(key string) *string {
	switch section(key) {
	case "Network":
		switch key {
		case "Bridge":
			return &s.Bridge
		case "Zone":
			return &s.Zone
		case "NamespacePath":
			return &s.NamespacePath
		}
		return nil
	case "Files":
		switch key {
		case "Volatile":
			return &s.Volatile
		case "PrivateUsersOwnership":
			return &s.Ownership
		}
		return nil
	}
	return s.execText(key)
}

func (s *Settings) execText(key string) *string {
	switch key {
	case "User":
		return &s.User
	case "WorkingDirectory":
		return &s.WorkingDirectory
	case "Hostname":
		return &s.Hostname
	case "KillSignal":
		return &s.KillSignal
	case "Personality":
		return &s.Personality
	case "MachineID":
		return &s.MachineID
	case "PivotRoot":
		return &s.PivotRoot
	case "ResolvConf":
		return &s.ResolvConf
	case "Timezone":
		return &s.Timezone
	case "LinkJournal":
		return &s.LinkJournal
	case "CPUAffinity":
		return &s.CPUAffinity
	}
	return nil
}

func (s *Settings) list(key string) *[]string {
	switch key {
	case "SystemCallFilter":
		return &s.SystemCallFilter
	case "Inaccessible":
		return &s.Inaccessible
	case "VirtualEthernetExtra":
		return &s.VethExtra
	case "Interface":
		return &s.Interface
	case "MACVLAN":
		return &s.MACVLAN
	case "IPVLAN":
		return &s.IPVLAN
	case "Port":
		return &s.Ports
	}
	return nil
}
