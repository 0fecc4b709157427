package spec

import (
	"errors"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// SysctlPath gives the path below /proc/sys of a key of linux.sysctl. As in sysctl.d(5), the first separator
// decides: "net.ipv4.conf.eno2/100.rp_filter" and "net/ipv4/conf/eno2.100/rp_filter" are the same. A key with an
// empty part, "." or ".." is refused, as it would leave the directory that its first part has promised.
func SysctlPath(key string) (string, error) {
	path := key
	if i := strings.IndexAny(key, "./"); i >= 0 && key[i] == '.' {
		path = strings.Map(func(c rune) rune {
			switch c {
			case '.':
				return '/'
			case '/':
				return '.'
			}
			return c
		}, key)
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || strings.IndexByte(part, 0) >= 0 {
			return "", errors.New("is not the name of a kernel parameter")
		}
	}
	return path, nil
}

// sysctl allows the parameters that belong to a namespace which the container has, as runc does: any other
// would change the host. A joined network namespace may be the host's; that is for host facts to tell.
func (v *validator) sysctl(l *specs.Linux) {
	found, warned := len(v.found), len(v.warned)
	for key, value := range l.Sysctl {
		path, err := SysctlPath(key)
		if err != nil {
			v.bad(member("linux.sysctl", key), err.Error())
			continue
		}
		if problem := sysctlProblem(l, path); problem != "" {
			v.bad(member("linux.sysctl", key), problem)
		}
		if hasNUL(value) {
			v.text(member("linux.sysctl", key), value)
		}
	}
	v.sortedSince(found, warned)
}

// sysctlProblem says why a parameter cannot be set in this container, "" when it can.
func sysctlProblem(l *specs.Linux, path string) string {
	owner := sysctlNamespace(path)
	switch {
	case path == "kernel/hostname":
		return "is what the field hostname is for"
	case owner == "":
		return "belongs to no namespace: it would change the host"
	case !hasNamespace(l, owner):
		return "needs a namespace of type " + string(owner) + " in linux.namespaces: it would change the host"
	}
	return ""
}

// sysctlNamespace gives the kind of namespace a parameter belongs to, "" for none.
func sysctlNamespace(path string) specs.LinuxNamespaceType {
	switch path {
	case "kernel/msgmax", "kernel/msgmnb", "kernel/msgmni", "kernel/sem", "kernel/shmall", "kernel/shmmax",
		"kernel/shmmni", "kernel/shm_rmid_forced":
		return specs.IPCNamespace
	case "kernel/domainname":
		return specs.UTSNamespace
	}
	switch {
	case strings.HasPrefix(path, "fs/mqueue/"):
		return specs.IPCNamespace
	case strings.HasPrefix(path, "net/"):
		return specs.NetworkNamespace
	case strings.HasPrefix(path, "user/"):
		return specs.UserNamespace
	}
	return ""
}
