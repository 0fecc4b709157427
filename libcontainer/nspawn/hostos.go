package nspawn

import "strings"

// HostOS gives the container_host_* pairs of an os-release file: ID,
// VERSION_ID, BUILD_ID and VARIANT_ID, those that are there, in this order.
func HostOS(osRelease string) []string {
	var pairs []string
	for _, key := range [...]string{"ID", "VERSION_ID", "BUILD_ID", "VARIANT_ID"} {
		value, ok := "", false
		for rest := osRelease; rest != ""; {
			var line string
			line, rest, _ = strings.Cut(rest, "\n")
			if v, found := strings.CutPrefix(strings.TrimSpace(line), key+"="); found {
				value, ok = unquote(v), true // the last one counts
			}
		}
		if ok && value != "" {
			pairs = append(pairs, "container_host_"+strings.ToLower(key)+"="+value)
		}
	}
	return pairs
}

// unquote undoes the shell quoting of os-release(5).
func unquote(s string) string {
	if len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		quote := s[0]
		s = s[1 : len(s)-1]
		if quote == '\'' {
			return s
		}
	}
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
