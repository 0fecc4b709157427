package cgroup

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	systemddbus "github.com/coreos/go-systemd/v22/dbus"
	"github.com/godbus/dbus/v5"
)

// Property is one property of the container's systemd unit.
type Property = systemddbus.Property

const propertyPrefix = "org.systemd.property."

// Properties reads the annotations org.systemd.property.NAME, whose values are GVariant
// text ("uint64 10000000", "'inactive-or-failed'"). A name in …Sec becomes …USec and its
// number is multiplied, as runc does it, because that is how systemd documents them.
// The result is sorted by name. Errors name the annotation.
func Properties(annotations map[string]string) ([]Property, error) {
	var out []Property
	for key, text := range annotations {
		name, ok := strings.CutPrefix(key, propertyPrefix)
		if !ok {
			continue
		}
		if err := checkPropertyName(name); err != nil {
			return nil, fmt.Errorf("annotations[%q]: property name %w", key, err)
		}
		v, err := dbus.ParseVariant(text, dbus.Signature{})
		if err != nil {
			return nil, fmt.Errorf("annotations[%q] %q: parse systemd property: %w", key, text, err)
		}
		if base, ok := strings.CutSuffix(name, "Sec"); ok && base[len(base)-1] >= 'a' && base[len(base)-1] <= 'z' {
			name = base + "USec"
			if v, err = secondsToMicro(v); err != nil {
				return nil, fmt.Errorf("annotations[%q] %q: parse systemd property: %w", key, text, err)
			}
		}
		out = append(out, Property{Name: name, Value: v})
	}
	slices.SortFunc(out, func(a, b Property) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// checkPropertyName allows what systemd's own names are made of: at least three letters.
func checkPropertyName(name string) error {
	if len(name) < 3 || name == "Sec" {
		return errors.New("is too short")
	}
	for i := range len(name) {
		if c := name[i] | 0x20; c < 'a' || c > 'z' {
			return errors.New("has a character that is no letter")
		}
	}
	return nil
}

func secondsToMicro(v dbus.Variant) (dbus.Variant, error) {
	const micro = 1000000
	var usec uint64
	switch n := v.Value().(type) {
	case byte:
		usec = uint64(n) * micro
	case int16:
		usec = uint64(n) * micro
	case uint16:
		usec = uint64(n) * micro
	case int32:
		usec = uint64(n) * micro
	case uint32:
		usec = uint64(n) * micro
	case int64:
		usec = uint64(n) * micro
	case uint64:
		usec = n * micro
	case float64:
		usec = uint64(n * micro)
	default:
		return v, errors.New("not a number of seconds")
	}
	return dbus.MakeVariant(usec), nil
}
