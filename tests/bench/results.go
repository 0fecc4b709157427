package main

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// results is what the phases fill in and the report is made of.
type results struct {
	Setup   setup
	Machine []string // facts about the machine, one a line
	Cases   []*caseResult
	Peaks   map[string]map[string][]int64 // command → runtime → peak kilobytes
}

// caseResult is one row of the table.
type caseResult struct {
	Name   string
	Title  string
	Unit   string // "ms" or "kB"
	Values map[string][]float64
	Failed map[string]string // runtime → why there is no value
	Note   string
}

func newResults(s setup) *results {
	return &results{Setup: s, Machine: machineFacts(), Peaks: map[string]map[string][]int64{}}
}

// wants tells whether the case was asked for.
func (d *results) wants(name string) bool {
	return d.Setup.Only == "" || regexp.MustCompile(d.Setup.Only).MatchString(name)
}

// add makes an empty row.
func (d *results) add(name, title, unit string) *caseResult {
	c := &caseResult{Name: name, Title: title, Unit: unit, Values: map[string][]float64{}, Failed: map[string]string{}}
	d.Cases = append(d.Cases, c)
	return c
}

// peak keeps the peak memory of one command.
func (d *results) peak(command string, r runtime, s sample) {
	if d.Peaks[command] == nil {
		d.Peaks[command] = map[string][]int64{}
	}
	d.Peaks[command][r.Name] = append(d.Peaks[command][r.Name], s.PeakKB)
}

// fail keeps the first reason.
func (c *caseResult) fail(r runtime, err error) {
	if c.Failed[r.Name] == "" {
		c.Failed[r.Name] = err.Error()
		fmt.Printf("  %s %s: %v\n", c.Name, r.Name, err)
	}
}

// median of the runtime's values, if there are any.
func (c *caseResult) median(name string) (float64, bool) {
	return median(c.Values[name])
}

func median[T int64 | float64](values []T) (float64, bool) {
	if len(values) == 0 {
		return 0, false
	}
	v := slices.Clone(values)
	slices.Sort(v)
	if n := len(v); n%2 == 0 {
		return (float64(v[n/2-1]) + float64(v[n/2])) / 2, true
	}
	return float64(v[len(v)/2]), true
}

func (d *results) byName(name string) *caseResult {
	for _, c := range d.Cases {
		if c.Name == name {
			return c
		}
	}
	return nil
}

func machineFacts() []string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	model := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(info)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			model = strings.TrimSpace(value)
			break
		}
	}
	load, _ := os.ReadFile("/proc/loadavg")
	return []string{
		"date: " + time.Now().UTC().Format("2006-01-02 15:04 MST"),
		"kernel: " + unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:]),
		fmt.Sprintf("processor: %s, %d online", model, onlineCPUs()),
		"load average at the start: " + strings.TrimSpace(string(load)),
	}
}

func onlineCPUs() int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return 0
	}
	return set.Count()
}
