package nspawn

import (
	"fmt"
	"strings"
)

// Credential is a named secret for the container (systemd.exec(5)).
type Credential struct {
	ID    string
	Value []byte
}

// CheckCredentialID says what is wrong with a credential's name: it has to be
// a file name of at most 255 bytes of printable ASCII.
func CheckCredentialID(id string) error {
	if id == "" || id == "." || id == ".." || len(id) > 255 {
		return fmt.Errorf("credential %q: not a file name", id)
	}
	for i := range len(id) {
		if id[i] <= ' ' || id[i] >= 0x7f || id[i] == '/' || id[i] == ':' {
			return fmt.Errorf("credential %q: byte %#x may not be in the name", id, id[i])
		}
	}
	return nil
}

// ParseSetCredential reads ID:VALUE of --set-credential, whose value may have
// C escapes.
func ParseSetCredential(s string) (Credential, error) {
	id, value, ok := strings.Cut(s, ":")
	if !ok {
		return Credential{}, fmt.Errorf("credential %q: want ID:VALUE", s)
	}
	if err := CheckCredentialID(id); err != nil {
		return Credential{}, err
	}
	raw, err := Unescape(value)
	if err != nil {
		return Credential{}, fmt.Errorf("credential %q: %w", id, err)
	}
	return Credential{id, raw}, nil
}

// AddCredential appends a credential; a second one of the same name is an
// error.
func AddCredential(list []Credential, c Credential) ([]Credential, error) {
	for i := range list {
		if list[i].ID == c.ID {
			return nil, fmt.Errorf("credential %q: given twice", c.ID)
		}
	}
	return append(list, c), nil
}

// Unescape undoes the escapes of C strings as systemd does.
func Unescape(s string) ([]byte, error) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		i++
		if i == len(s) {
			return nil, fmt.Errorf("a backslash ends the value")
		}
		if at := strings.IndexByte(`abfnrtvs\"'`, s[i]); at >= 0 {
			out = append(out, "\a\b\f\n\r\t\v \\\"'"[at])
			continue
		}
		value, digits, err := escapedByte(s[i:])
		if err != nil {
			return nil, err
		}
		out = append(out, value)
		i += digits - 1
	}
	return out, nil
}

// escapedByte reads xNN or NNN after a backslash.
func escapedByte(s string) (value byte, length int, err error) {
	base, start, end := 8, 0, 3
	if s[0] == 'x' {
		base, start, end = 16, 1, 3
	}
	if len(s) < end {
		return 0, 0, fmt.Errorf("escape \\%s is cut off", s)
	}
	n := 0
	for _, c := range []byte(s[start:end]) {
		d := strings.IndexByte("0123456789abcdefABCDEF", c)
		if d > 15 {
			d -= 6
		}
		if d < 0 || d >= base {
			return 0, 0, fmt.Errorf("escape \\%s is none of C", s[:end])
		}
		n = n*base + d
	}
	if n > 255 {
		return 0, 0, fmt.Errorf("escape \\%s is more than a byte", s[:end])
	}
	return byte(n), end, nil
}
