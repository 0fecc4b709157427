// Package settings reads .nspawn files (systemd.nspawn(5)) and turns them into
// the options of package profile.
//
// Parsing is pure and total: a line that is not understood is a warning with
// its number, never an error, as in nspawn. A file may give the container access
// to the host: it is for who starts the container to choose it. The package
// imports caps, nspawn, profile, syscalls and uidrange.
package settings

import (
	"fmt"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/libcontainer/nspawn/uidrange"
)

// Start is how the payload is started.
type Start int

// The ways; StartUnset leaves it, and Parameters, alone.
const (
	StartUnset Start = iota
	StartPID1
	StartPID2
	StartBoot
)

// Bind is a bind mount as Bind= writes it.
type Bind struct {
	Source, Destination string
	ReadOnly            bool
	Options             []string // of rbind, norbind, idmap, noidmap, rootidmap, owneridmap
}

// Tmpfs is a value of TemporaryFileSystem=.
type Tmpfs struct {
	Path    string
	Options []string
}

// Overlay is a value of Overlay=; Lower has the lowest first, Upper is empty
// for a throw-away one.
type Overlay struct {
	Lower       []string
	Upper       string
	Destination string
	ReadOnly    bool
}

// Settings are what a file sets; the zero value of a field is "not set".
type Settings struct {
	// [Exec]
	Start                                        Start
	Ephemeral, NotifyReady, NoNewPrivileges      *bool
	SuppressSync                                 *bool
	Parameters, Environment                      []string
	User, WorkingDirectory, Hostname             string
	Capability, DropCapability, AmbientCaps      uint64
	KillSignal, Personality, MachineID           string
	PivotRoot, ResolvConf, Timezone, LinkJournal string
	PrivateUsers                                 *uidrange.Request
	SystemCallFilter                             []string
	Rlimits                                      []specs.POSIXRlimit
	OOMScoreAdjust                               *int
	CPUAffinity                                  string
	// [Files]
	ReadOnly     *bool
	Volatile     string
	Binds        []Bind
	Tmpfs        []Tmpfs
	Inaccessible []string
	Overlays     []Overlay
	Ownership    string
	BindUser     []string
	// [Network]
	Private, VirtualEthernet      *bool
	VethExtra, Interface, MACVLAN []string
	IPVLAN, Ports                 []string
	Bridge, Zone, NamespacePath   string

	// keys are the keys that were set, in order, with their lines.
	keys []setKey
}

type setKey struct {
	name string
	line int
}

// Has says whether the file set a key.
func (s *Settings) Has(key string) bool {
	for _, k := range s.keys {
		if k.name == key {
			return true
		}
	}
	return false
}

// HasNetwork says whether the file has any key of [Network], which makes it
// authoritative for all of the network.
func (s *Settings) HasNetwork() bool {
	for _, k := range s.keys {
		if section(k.name) == "Network" {
			return true
		}
	}
	return false
}

// Warning is something in a file that was left out.
type Warning struct {
	Line int
	Text string
}

func (w Warning) String() string { return fmt.Sprintf("line %d: %s", w.Line, w.Text) }

// The keys by section.
const (
	execKeys = " Boot Ephemeral ProcessTwo Parameters Environment User Capability AmbientCapability DropCapability " +
		"KillSignal Personality MachineID WorkingDirectory PivotRoot PrivateUsers NotifyReady SystemCallFilter LimitCPU " +
		"LimitFSIZE LimitDATA LimitSTACK LimitCORE LimitRSS LimitNOFILE LimitAS LimitNPROC LimitMEMLOCK LimitLOCKS " +
		"LimitSIGPENDING LimitMSGQUEUE LimitNICE LimitRTPRIO LimitRTTIME OOMScoreAdjust CPUAffinity Hostname NoNewPrivileges " +
		"ResolvConf Timezone LinkJournal SuppressSync "
	filesKeys = " ReadOnly Volatile Bind BindReadOnly TemporaryFileSystem Inaccessible Overlay OverlayReadOnly " +
		"PrivateUsersOwnership PrivateUsersChown BindUser "
	networkKeys = " Private VirtualEthernet VirtualEthernetExtra Interface MACVLAN IPVLAN Bridge Zone Port NamespacePath "
)

// section gives the section that a key belongs to, "" for none.
func section(key string) string {
	for _, s := range [...]struct{ name, keys string }{{"Exec", execKeys}, {"Files", filesKeys}, {"Network", networkKeys}} {
		if strings.Contains(s.keys, " "+key+" ") {
			return s.name
		}
	}
	return ""
}
