package nspawn

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// ConfigPath is the file of settings for engines, which hand a runtime no
// flags of the user's choice.
const ConfigPath = "/etc/gspawn-oci/config.toml"

// Config is what ConfigPath sets.
type Config struct {
	// Boot is boot-mode = "auto" | "yes" | "no".
	Boot Mode
	// KeepSIGTERM is keep-sigterm = true: `kill` of a booted container sends
	// what it was told, not the stop signal.
	KeepSIGTERM bool
	// Register is register = true: booted containers are registered with
	// systemd-machined where it runs. It is the default.
	Register bool
}

// ReadConfig reads the configuration; a file that does not exist is an empty
// one. It costs one system call then.
func ReadConfig(file string) (Config, []string, error) {
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return Config{Register: true}, nil, nil
	}
	if err != nil {
		return Config{}, nil, fmt.Errorf("read configuration: %w", err)
	}
	config, warnings, err := ParseConfig(string(raw))
	if err != nil {
		return Config{}, nil, fmt.Errorf("%s: %w", file, err)
	}
	return config, warnings, nil
}

// ParseConfig reads the subset of TOML that the file needs: comments, tables,
// and keys with a string or a boolean on one line. An unknown key is a warning
// that names its line, since an older binary may read a newer file.
func ParseConfig(text string) (Config, []string, error) {
	config := Config{Register: true}
	var warnings []string
	table := ""
	for number := 1; text != ""; number++ {
		var line string
		line, text, _ = strings.Cut(text, "\n")
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if name, ok := tableHeader(line); ok {
			table = name + "."
			continue
		}
		key, value, err := keyValue(line)
		if err == nil {
			key = table + key
			var known bool
			if known, err = config.set(key, value); err == nil && !known {
				warnings = append(warnings, fmt.Sprintf("line %d: unknown key %q", number, key))
			}
		}
		if err != nil {
			return Config{}, nil, fmt.Errorf("line %d: %w", number, err)
		}
	}
	return config, warnings, nil
}

func (c *Config) set(key, value string) (known bool, err error) {
	switch key {
	case "boot-mode":
		c.Boot, err = ParseMode(value)
	case "keep-sigterm":
		c.KeepSIGTERM, err = tomlBool(key, value)
	case "register":
		c.Register, err = tomlBool(key, value)
	default:
		return false, nil
	}
	return true, err
}

func tomlBool(key, value string) (bool, error) {
	switch value {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, fmt.Errorf("%s: want true or false, not %q", key, value)
}

func tableHeader(line string) (string, bool) {
	if line[0] != '[' {
		return "", false
	}
	name, rest, ok := strings.Cut(line[1:], "]")
	rest = strings.TrimSpace(rest)
	if !ok || name == "" || (rest != "" && rest[0] != '#') {
		return "", false
	}
	return strings.TrimSpace(name), true
}

// keyValue takes a line apart: key = "text", key = 'text', key = bare.
func keyValue(line string) (key, value string, err error) {
	key, value, ok := strings.Cut(line, "=")
	key, value = strings.TrimSpace(key), strings.TrimSpace(value)
	if !ok || key == "" || value == "" {
		return "", "", fmt.Errorf("want key = value, not %q", line)
	}
	key = strings.Trim(key, `"'`)
	if value[0] != '"' && value[0] != '\'' {
		value, _, _ = strings.Cut(value, "#")
		return key, strings.TrimSpace(value), nil
	}
	end := strings.IndexByte(value[1:], value[0])
	if end < 0 {
		return "", "", fmt.Errorf("%s: the string has no end", key)
	}
	rest := strings.TrimSpace(value[end+2:])
	if rest != "" && rest[0] != '#' {
		return "", "", fmt.Errorf("%s: %q after the string", key, rest)
	}
	inner := value[1 : end+1]
	if value[0] == '"' && strings.IndexByte(inner, '\\') >= 0 {
		return "", "", fmt.Errorf("%s: escapes are not supported, use '…'", key)
	}
	return key, inner, nil
}
