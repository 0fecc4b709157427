package main

import "fmt"

// bar is a promise about gspawn-oci: a ratio to another runtime's median, or an absolute most when Against is empty.
type bar struct {
	Case    string
	Against string
	Most    float64
}

// bars are the project's. They are ratios, since a machine's speed changes from hour to hour.
var bars = []bar{
	{"run", crunName, 0.65},
	{"run", runcName, 0.25},
	{"run", floorName, 1.7},
	{"podman-warm", crunName, 0.65},
	{"podman-warm", runcName, 0.15},
	{"create-start-delete", crunName, 0.55},
	{"exec", crunName, 0.65},
	{"peak-run", crunName, 1.0},
	{"peak-create", crunName, 1.0},
	{"peak-start", crunName, 1.0},
	{"peak-delete", crunName, 1.0},
	{"peak-exec", crunName, 1.0},
	{"peak-state", crunName, 1.0},
	{"peak-list", crunName, 1.0},
	{"created", "", 128},
}

// verdict is a bar with what was measured: PASS, FAIL, or "not measured".
type verdict struct{ Title, Bar, Measured, Result string }

func (d *results) judge() []verdict {
	var all []verdict
	for _, want := range bars {
		v := verdict{Title: want.Case, Measured: "–", Result: "not measured", Bar: fmt.Sprintf("≤ %.2f of %s", want.Most, want.Against)}
		if want.Against == "" {
			v.Bar = fmt.Sprintf("≤ %.0f kB", want.Most)
		}
		if c := d.byName(want.Case); c != nil {
			v.Title = c.Title
			v.compare(c, want)
		}
		all = append(all, v)
	}
	return all
}

func (v *verdict) compare(c *caseResult, want bar) {
	got, ok := c.median(ourName)
	if !ok {
		return
	}
	v.Measured = figure(got) + " " + c.Unit
	if want.Against != "" {
		other, ok := c.median(want.Against)
		if !ok || other == 0 {
			return
		}
		got /= other
		v.Measured = fmt.Sprintf("%.2f", got)
	}
	v.Result = "PASS"
	if got > want.Most {
		v.Result = "FAIL"
	}
}
