package main

import (
	"strings"
	"testing"
)

func sampleResults() *results {
	d := newResults(setup{Rounds: 3, Runtimes: []runtime{{Name: ourName}, {Name: crunName}, {Name: floorName}}})
	c := d.add("run", "`run`", "ms")
	c.Values[ourName] = []float64{6, 5, 100}
	c.Values[crunName] = []float64{10, 10, 10}
	c.Values[floorName] = []float64{3, 3, 3}
	d.add("created", "created", "kB").Values[ourName] = []float64{200}
	return d
}

// TestJudge pins how bars are decided: on medians, and never passed by what was not measured.
func TestJudge(t *testing.T) {
	want := map[string]string{
		"`run` ≤ 0.65 of crun":    "PASS", // 6/10
		"`run` ≤ 0.25 of runc":    "not measured",
		"`run` ≤ 1.70 of floor":   "FAIL", // 6/3
		"exec ≤ 0.65 of crun":     "not measured",
		"created ≤ 128 kB":        "FAIL",
		"peak-run ≤ 1.00 of crun": "not measured",
	}
	for _, v := range sampleResults().judge() {
		if w, ok := want[v.Title+" "+v.Bar]; ok {
			delete(want, v.Title+" "+v.Bar)
			if v.Result != w {
				t.Errorf("%s %s: %s, want %s (measured %s)", v.Title, v.Bar, v.Result, w, v.Measured)
			}
		}
	}
	for missing := range want {
		t.Errorf("no bar %q", missing)
	}
}

func TestParseSamples(t *testing.T) {
	got, err := parseSamples("1000 512 0\n2000 256 0\n", "/dev/null")
	if err != nil || len(got) != 2 || got[0] != (sample{1000, 512}) {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := parseSamples("1000 512 0\n2000 256 7\n", "/dev/null"); err == nil || !strings.Contains(err.Error(), "command 2: exit code 7") {
		t.Errorf("a failing command was measured: %v", err)
	}
}

func TestMedian(t *testing.T) {
	if m, ok := median([]float64{9, 1, 5, 3}); !ok || m != 4 {
		t.Errorf("median is %v", m)
	}
	if _, ok := median([]float64{}); ok {
		t.Error("nothing has a median")
	}
}

// TestReport checks the table's ratios and that the plot is drawn for what has values.
func TestReport(t *testing.T) {
	d := sampleResults()
	if text := d.markdown(d.judge()); !strings.Contains(text, "| `run`, ms | 6.00 | 10.0 (1.67×) | 3.00 (0.50×) |") {
		t.Errorf("no row of run in:\n%s", text)
	}
	if plot := d.svg(); strings.Count(plot, "<rect") != 1+3+1 {
		t.Errorf("want a background, three bars and one: %s", plot)
	}
}

// TestPodmanConfig guards the recorded configuration: a profile, no path of the machine that recorded it.
func TestPodmanConfig(t *testing.T) {
	if strings.Contains(podmanConfig, "/tmp/") || !strings.Contains(podmanConfig, "SCMP_ACT_ERRNO") || !strings.Contains(podmanConfig, "@BUNDLE@") {
		t.Error("testdata/podman.json is not podman's configuration with @BUNDLE@ for the bundle")
	}
}
