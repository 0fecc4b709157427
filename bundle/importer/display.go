package importer

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/gspawn/gspawn-oci/bundle"
)

// importDisplay shows how far an import is: a line that changes on a terminal, a line a layer elsewhere, nothing when
// nobody wants it. All of it goes to standard error.
type importDisplay struct {
	off, terminal bool
	progress      *bundle.Progress
	begin         time.Time

	mu   sync.Mutex
	what string
	stop chan struct{}
	done sync.WaitGroup
}

func newImportDisplay(o *work) *importDisplay {
	d := &importDisplay{off: o.f.Quiet, progress: new(bundle.Progress), begin: time.Now(), stop: make(chan struct{})}
	o.Progress, o.OnEvent = d.progress, d.event
	_, err := unix.IoctlGetTermios(2, unix.TCGETS)
	d.terminal = err == nil && os.Getenv("TERM") != "dumb"
	if !d.off && d.terminal {
		d.done.Go(d.animate)
	}
	return d
}

func (d *importDisplay) event(e bundle.Event) {
	if d.off {
		return
	}
	var what string
	switch e.Kind {
	case "layer":
		what = fmt.Sprintf("layer %d/%d", e.Layer, e.Layers)
	case "copy":
		what = "copying"
	case "sync":
		what = "writing to disk"
	}
	d.mu.Lock()
	d.what = what
	d.mu.Unlock()
	if d.terminal {
		return
	}
	if e.Kind == "layer" && e.Bytes > 0 {
		what += fmt.Sprintf(" %s (%s, %s)", short(e.Name), amount(e.Bytes), e.Format)
	}
	fmt.Fprintln(os.Stderr, what)
}

// short is as much of a digest as people look at.
func short(name string) string {
	name = strings.TrimPrefix(name, "sha256:")
	if len(name) > 12 {
		name = name[:12]
	}
	return fmt.Sprintf("%q", name)[1 : len(fmt.Sprintf("%q", name))-1]
}

func (d *importDisplay) animate() {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var files int64
	last := time.Now()
	rate := 0.0
	for {
		select {
		case <-d.stop:
			fmt.Fprint(os.Stderr, "\r\x1b[K")
			return
		case now := <-tick.C:
			s := d.progress.Now()
			if dt := now.Sub(last).Seconds(); dt > 0 {
				rate = 0.8*rate + 0.2*float64(s.Files-files)/dt
			}
			files, last = s.Files, now
			d.mu.Lock()
			what := d.what
			d.mu.Unlock()
			fmt.Fprintf(os.Stderr, "\r\x1b[K%s  %s  %s in %d files  %.0f files/s", what, percent(s), amount(s.Bytes), s.Files, rate)
		}
	}
}

func percent(s bundle.Snapshot) string {
	if s.Size <= 0 {
		return amount(s.Read) + " read"
	}
	return fmt.Sprintf("%d%%", min(100, 100*s.Read/s.Size))
}

func (d *importDisplay) end() {
	close(d.stop)
	d.done.Wait()
}

// result says what was made, and what was left out.
func (d *importDisplay) result(r *bundle.Report) {
	for _, n := range r.Notices {
		fmt.Fprintln(os.Stderr, "notice: "+n)
	}
	what := "runs " + strconv.Quote(strings.Join(r.Args, " "))
	if r.Boot {
		what = "boots " + strconv.Quote(r.Init)
	}
	files := "tree used in place"
	if r.Files > 0 {
		files = fmt.Sprintf("%d files, %s", r.Files, amount(r.Bytes))
	}
	fmt.Fprintf(os.Stderr, "%s: %s in %.1fs; %s\n", r.Bundle, files, time.Since(d.begin).Seconds(), what)
}

func amount(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	}
	return fmt.Sprintf("%d KiB", (n+1023)>>10)
}
