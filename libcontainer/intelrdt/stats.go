package intelrdt

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Stats is the "intel_rdt" member of `events --stats`, field for field runc's.
type Stats struct {
	L3CacheInfo       *L3CacheInfo `json:"l3_cache_info,omitempty"`
	L3CacheSchemaRoot string       `json:"l3_cache_schema_root,omitempty"`
	L3CacheSchema     string       `json:"l3_cache_schema,omitempty"`
	MemBwInfo         *MemBwInfo   `json:"mem_bw_info,omitempty"`
	MemBwSchemaRoot   string       `json:"mem_bw_schema_root,omitempty"`
	MemBwSchema       string       `json:"mem_bw_schema,omitempty"`
	MBMStats          *[]MBMStats  `json:"mbm_stats,omitempty"`
	CMTStats          *[]CMTStats  `json:"cmt_stats,omitempty"`
}

// L3CacheInfo is what the hardware offers for cache allocation.
type L3CacheInfo struct {
	CbmMask    string `json:"cbm_mask,omitempty"`
	MinCbmBits uint64 `json:"min_cbm_bits,omitempty"`
	NumClosids uint64 `json:"num_closids,omitempty"`
}

// MemBwInfo is what the hardware offers for bandwidth allocation.
type MemBwInfo struct {
	BandwidthGran uint64 `json:"bandwidth_gran,omitempty"`
	DelayLinear   uint64 `json:"delay_linear,omitempty"`
	MinBandwidth  uint64 `json:"min_bandwidth,omitempty"`
	NumClosids    uint64 `json:"num_closids,omitempty"`
}

// MBMStats is the memory traffic of one L3 domain in bytes.
type MBMStats struct {
	MBMTotalBytes uint64 `json:"mbm_total_bytes,omitempty"`
	MBMLocalBytes uint64 `json:"mbm_local_bytes,omitempty"`
}

// CMTStats is the cache occupancy of one L3 domain in bytes.
type CMTStats struct {
	LLCOccupancy uint64 `json:"llc_occupancy,omitempty"`
}

// Stats reads what this machine has of them; what it has not stays empty.
func (g *Group) Stats() *Stats {
	st := &Stats{}
	if l3 := filepath.Join(g.Root, "info/L3"); exists(l3) {
		st.L3CacheInfo = &L3CacheInfo{CbmMask: text(l3, "cbm_mask"), MinCbmBits: number(l3, "min_cbm_bits"), NumClosids: number(l3, "num_closids")}
		st.L3CacheSchemaRoot, st.L3CacheSchema = schema(g.Root, "L3:"), schema(g.Dir, "L3:")
	}
	if mb := filepath.Join(g.Root, "info/MB"); exists(mb) {
		st.MemBwInfo = &MemBwInfo{
			BandwidthGran: number(mb, "bandwidth_gran"), DelayLinear: number(mb, "delay_linear"),
			MinBandwidth: number(mb, "min_bandwidth"), NumClosids: number(mb, "num_closids"),
		}
		st.MemBwSchemaRoot, st.MemBwSchema = schema(g.Root, "MB:"), schema(g.Dir, "MB:")
	}
	g.monitored(st)
	return st
}

func (g *Group) monitored(st *Stats) {
	dir := g.Monitor
	if dir == "" {
		dir = g.Dir
	}
	domains, _ := filepath.Glob(filepath.Join(dir, "mon_data/mon_L3_*"))
	var mbm []MBMStats
	var cmt []CMTStats
	for _, d := range domains {
		if exists(filepath.Join(d, "mbm_total_bytes")) || exists(filepath.Join(d, "mbm_local_bytes")) {
			mbm = append(mbm, MBMStats{number(d, "mbm_total_bytes"), number(d, "mbm_local_bytes")})
		}
		if exists(filepath.Join(d, "llc_occupancy")) {
			cmt = append(cmt, CMTStats{number(d, "llc_occupancy")})
		}
	}
	if mbm != nil {
		st.MBMStats = &mbm
	}
	if cmt != nil {
		st.CMTStats = &cmt
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func text(dir, file string) string {
	data, _ := os.ReadFile(filepath.Join(dir, file))
	return strings.TrimSpace(string(data))
}

// number is 0 for a file that has none ("Unavailable", "Error").
func number(dir, file string) uint64 {
	n, _ := strconv.ParseUint(text(dir, file), 10, 64)
	return n
}

// schema is the line of one resource of a group.
func schema(dir, resource string) string {
	for line := range strings.Lines(text(dir, "schemata")) {
		if line = strings.TrimSpace(line); strings.HasPrefix(line, resource) {
			return line
		}
	}
	return ""
}
