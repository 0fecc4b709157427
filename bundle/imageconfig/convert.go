package imageconfig

import (
	"errors"
	"fmt"
	"path"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/gspawn/gspawn-oci/bundle/image"
)

// Accounts are the image's own, for user names; nil when it has no such file.
type Accounts struct {
	Passwd, Group []byte
}

// Options are what the caller asks for instead of what the image says.
type Options struct {
	User         *string  // replaces Config.User
	Command      []string // replaces Entrypoint and Cmd
	Env          []string // NAME=VALUE, over the image's
	TmpfsVolumes bool     // Config.Volumes become tmpfs mounts; otherwise they are part of the root file system
}

// DefaultPath is the PATH of an image that names none, as docker has it.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Process converts the fields that say what runs: args, env, cwd and user. The result has no args when neither the image nor
// the caller names a command.
func Process(c *image.Config, a Accounts, o Options) (args, env []string, cwd string, user specs.User, notices []string, err error) {
	p := &c.Config
	args = o.Command
	if len(args) == 0 {
		args = append(append([]string(nil), p.Entrypoint...), p.Cmd...)
	}
	if err := checkStrings("process.args", args); err != nil {
		return nil, nil, "", user, nil, err
	}
	env, notices = environment(p.Env, o.Env)
	cwd = path.Clean("/" + p.WorkingDir)
	if err := checkStrings("process.cwd", []string{cwd}); err != nil {
		return nil, nil, "", user, nil, err
	}
	name := p.User
	if o.User != nil {
		name = *o.User
	}
	user, err = resolveUser(name, a)
	return args, env, cwd, user, notices, err
}

// checkStrings refuses what execve(2) cannot pass.
func checkStrings(field string, list []string) error {
	for i, s := range list {
		if strings.IndexByte(s, 0) >= 0 {
			return fmt.Errorf("%s[%d]: it has a NUL byte", field, i)
		}
	}
	return nil
}

// environment merges the caller's variables into the image's, keeps the order, and gives a PATH where there is none.
func environment(image, over []string) (env, notices []string) {
	index := make(map[string]int)
	add := func(kv string) bool {
		name, _, ok := strings.Cut(kv, "=")
		if !ok || name == "" || strings.IndexByte(kv, 0) >= 0 {
			return false
		}
		if i, known := index[name]; known {
			env[i] = kv
			return true
		}
		index[name] = len(env)
		env = append(env, kv)
		return true
	}
	for _, kv := range image {
		if !add(kv) {
			notices = append(notices, fmt.Sprintf("environment entry %q of the image is not of the form NAME=VALUE and was left out", kv))
		}
	}
	for _, kv := range over {
		add(kv)
	}
	if _, ok := index["PATH"]; !ok {
		env = append([]string{"PATH=" + DefaultPath}, env...)
	}
	return env, notices
}

// Annotations converts labels and the fields that have no place in a runtime configuration. Labels win over fields.
func Annotations(c *image.Config) (annotations map[string]string, notices []string) {
	annotations = make(map[string]string)
	set := func(key, value string) {
		if value != "" {
			annotations["org.opencontainers.image."+key] = value
		}
	}
	set("os", c.OS)
	set("architecture", c.Architecture)
	set("variant", c.Variant)
	set("os.version", c.OSVersion)
	set("os.features", strings.Join(c.OSFeatures, ","))
	set("author", c.Author)
	if c.Created != nil && !c.Created.IsZero() {
		set("created", c.Created.Format(time.RFC3339Nano))
	}
	set("stopSignal", c.Config.StopSignal)
	set("exposedPorts", strings.Join(sortedKeys(c.Config.ExposedPorts), ","))
	for _, k := range sortedKeys(c.Config.Labels) {
		switch {
		case k == "":
			notices = append(notices, "a label without a name was left out")
		case steers(k):
			notices = append(notices, fmt.Sprintf("label %q would give orders to a runtime and was left out", k))
		default:
			annotations[k] = c.Config.Labels[k]
		}
	}
	return annotations, notices
}

// steers says whether a runtime takes an annotation for an order: units' properties, hooks' output files, boot mode. A
// hostile image must not give it.
func steers(key string) bool {
	for _, p := range []string{"io.gspawn.", "org.systemd.property.", "run.oci.", "org.criu.", "module.wasm.image",
		"io.kubernetes.cri", "io.katacontainers."} {
		if strings.HasPrefix(key, p) {
			return true
		}
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// Volumes converts Config.Volumes into tmpfs mounts that begin with what the image has there (tmpcopyup).
func Volumes(c *image.Config) ([]specs.Mount, error) {
	var mounts []specs.Mount
	for _, v := range sortedKeys(c.Config.Volumes) {
		if v == "" || strings.IndexByte(v, 0) >= 0 || path.Clean("/"+v) == "/" {
			return nil, fmt.Errorf("Config.Volumes %q: not a directory that can be mounted on", v)
		}
		mounts = append(mounts, specs.Mount{Destination: path.Clean("/" + v), Type: "tmpfs", Source: "tmpfs",
			Options: []string{"nosuid", "nodev", "tmpcopyup"}})
	}
	return mounts, nil
}

// resolveUser converts Config.User: "user", "uid", "user:group", "uid:gid", "uid:group", "user:gid", or nothing.
//
// As conversion.md has it, supplementary groups come from the image for a user by name without a group only. For no user at
// all, which the specification leaves open, root gets those that the image gives it, as under docker.
func resolveUser(s string, a Accounts) (specs.User, error) {
	var u specs.User
	name, group, hasGroup := strings.Cut(s, ":")
	if strings.IndexByte(s, 0) >= 0 || strings.ContainsAny(s, "\n") {
		return u, fmt.Errorf("user %q: not a name", s)
	}
	if name == "" {
		name = "0"
	}
	uid, numeric, err := number(name)
	if err != nil {
		return u, fmt.Errorf("user %q: %w", s, err)
	}
	acct, found := lookUp(name, uid, numeric, a.Passwd)
	if !numeric && !found {
		return u, fmt.Errorf("user %q: the image's /etc/passwd has no %q", s, name)
	}
	u.UID, u.GID = acct.uid, acct.gid
	if hasGroup && group != "" {
		u.GID, err = resolveGroup(group, a.Group)
		if err != nil {
			return u, fmt.Errorf("user %q: %w", s, err)
		}
		return u, nil
	}
	if found && (!numeric || s == "") {
		u.AdditionalGids = memberships(a.Group, acct.name, u.GID)
	}
	return u, nil
}

// lookUp finds a user by number or name. Of a number that has no account uid is set all the same.
func lookUp(name string, uid uint32, numeric bool, passwd []byte) (acct account, found bool) {
	if !numeric {
		return findUser(passwd, func(e account) bool { return e.name == name })
	}
	acct, found = findUser(passwd, func(e account) bool { return e.uid == uid })
	acct.uid = uid
	return acct, found
}

func resolveGroup(s string, file []byte) (uint32, error) {
	gid, numeric, err := number(s)
	if err != nil || numeric {
		return gid, err
	}
	for e := range records(file, 3) {
		if e[0] == s {
			if n, ok, _ := number(e[2]); ok {
				return n, nil
			}
		}
	}
	return 0, fmt.Errorf("the image's /etc/group has no %q", s)
}

// number reads an id. Digits that are no id are an error, not a name.
func number(s string) (id uint32, numeric bool, err error) {
	if s == "" || strings.Trim(s, "0123456789") != "" {
		if len(s) > 1 && s[0] == '-' && strings.Trim(s[1:], "0123456789") == "" {
			return 0, false, errors.New("ids are not negative")
		}
		return 0, false, nil
	}
	n, err := strconv.ParseUint(s, 10, 32)
	if err != nil || n == 1<<32-1 {
		return 0, false, fmt.Errorf("id %s is out of range", s)
	}
	return uint32(n), true, nil
}
