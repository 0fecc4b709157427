package main

import (
	"fmt"
	"html"
	"strings"
)

// Measures of the plot, in pixels.
const (
	plotWidth   = 860
	labelWidth  = 90
	valueWidth  = 110
	barHeight   = 14
	barGap      = 3
	titleHeight = 26
	panelGap    = 12
)

var barColours = map[string]string{ourName: "#0b6e4f", crunName: "#c97b22", runcName: "#7a5195", floorName: "#8a8f98"}

// svg draws a panel for each case with a bar for each runtime. Every panel has its own scale, from zero.
func (d *results) svg() string {
	var body strings.Builder
	y := 36
	for _, c := range d.Cases {
		y = d.panel(&body, c, y)
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12">
<rect width="100%%" height="100%%" fill="#ffffff"/>
<text x="10" y="22" font-size="15" font-weight="bold" fill="#1b1b1b">gspawn-oci beside crun, runc and the floor: medians, shorter is better</text>
%s</svg>
`, plotWidth, y, plotWidth, y, body.String())
}

// panel draws one case from y down and returns where the next begins.
func (d *results) panel(b *strings.Builder, c *caseResult, y int) int {
	longest := 0.0
	for _, r := range d.Setup.Runtimes {
		if m, ok := c.median(r.Name); ok {
			longest = max(longest, m)
		}
	}
	if longest == 0 {
		return y
	}
	title := html.EscapeString(strings.ReplaceAll(c.Title, "`", "")) + ", " + c.Unit
	fmt.Fprintf(b, `<text x="10" y="%d" font-weight="bold" fill="#1b1b1b">%s</text>`+"\n", y+16, title)
	y += titleHeight
	for _, r := range d.Setup.Runtimes {
		m, ok := c.median(r.Name)
		if !ok {
			continue
		}
		width := max(1, m/longest*(plotWidth-labelWidth-valueWidth))
		fmt.Fprintf(b, `<text x="%d" y="%d" text-anchor="end" fill="#444">%s</text>`, labelWidth-6, y+barHeight-3, html.EscapeString(r.Name))
		fmt.Fprintf(b, `<rect x="%d" y="%d" width="%.1f" height="%d" rx="2" fill="%s"/>`, labelWidth, y, width, barHeight, barColours[r.Name])
		fmt.Fprintf(b, `<text x="%.1f" y="%d" fill="#1b1b1b">%s</text>`+"\n", float64(labelWidth)+width+6, y+barHeight-3, figure(m))
		y += barHeight + barGap
	}
	return y + panelGap
}
