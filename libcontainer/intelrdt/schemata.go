package intelrdt

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// lines are the schemata of a configuration in the order they are to be written.
func lines(c specs.LinuxIntelRdt) []string {
	var out []string
	for _, s := range []string{c.L3CacheSchema, c.MemBwSchema} {
		if s != "" {
			out = append(out, s)
		}
	}
	return append(out, c.Schemata...)
}

func checkSchemata(c specs.LinuxIntelRdt) error {
	if strings.Contains(c.L3CacheSchema, "\n") {
		return fmt.Errorf("linux.intelRdt.l3CacheSchema %q: must be one line", c.L3CacheSchema)
	}
	if c.MemBwSchema != "" && (!strings.HasPrefix(c.MemBwSchema, "MB:") || strings.Contains(c.MemBwSchema, "\n")) {
		return fmt.Errorf("linux.intelRdt.memBwSchema %q: must be one line that begins with \"MB:\"", c.MemBwSchema)
	}
	for i, s := range c.Schemata {
		if strings.Contains(s, "\n") {
			return fmt.Errorf("linux.intelRdt.schemata[%d] %q: must be one line", i, s)
		}
	}
	return nil
}

// compare holds l3CacheSchema and memBwSchema against what an existing group has.
func (g *Group) compare() error {
	if g.config.L3CacheSchema == "" && g.config.MemBwSchema == "" {
		return nil
	}
	data, err := os.ReadFile(filepath.Join(g.Dir, "schemata"))
	if err != nil {
		return fmt.Errorf("linux.intelRdt.closID %q: %w", g.config.ClosID, err)
	}
	have := map[string]map[string]uint64{}
	for line := range strings.Lines(string(data)) {
		if resource, domains, err := parseSchema(line); err == nil {
			have[resource] = domains
		}
	}
	for _, f := range []struct{ field, schema string }{
		{"l3CacheSchema", g.config.L3CacheSchema}, {"memBwSchema", g.config.MemBwSchema},
	} {
		if f.schema == "" {
			continue
		}
		resource, domains, err := parseSchema(f.schema)
		if err != nil {
			return fmt.Errorf("linux.intelRdt.%s %q: %w", f.field, f.schema, err)
		}
		for domain, value := range domains {
			if got, ok := have[resource][domain]; !ok || got != value {
				return fmt.Errorf("linux.intelRdt.%s %q: the group of closID %q has %q", f.field, f.schema, g.config.ClosID, strings.TrimSpace(string(data)))
			}
		}
	}
	return nil
}

// parseSchema reads "L3:0=ff;1=c0" or "MB:0=20". Bit masks are hexadecimal, bandwidths
// decimal.
func parseSchema(line string) (resource string, domains map[string]uint64, err error) {
	resource, list, ok := strings.Cut(strings.TrimSpace(line), ":")
	if !ok {
		return "", nil, fmt.Errorf("has no resource before a colon")
	}
	base := 16
	if strings.HasPrefix(resource, "MB") || strings.HasPrefix(resource, "SMBA") {
		base = 10
	}
	domains = map[string]uint64{}
	for entry := range strings.SplitSeq(list, ";") {
		domain, text, ok := strings.Cut(strings.TrimSpace(entry), "=")
		if !ok {
			return "", nil, fmt.Errorf("%q is no DOMAIN=VALUE", entry)
		}
		v, err := strconv.ParseUint(strings.TrimSpace(text), base, 64)
		if err != nil {
			return "", nil, fmt.Errorf("%q is no number of base %d", text, base)
		}
		domains[strings.TrimSpace(domain)] = v
	}
	return resource, domains, nil
}
