package api

import (
	"fmt"
	"strings"
	"time"
)

// A chart is the last hour of one way to a POP, up to now, in a box of SVG units: the median of each batch, and, where some of it
// was lost, a mark that is as high as the share.
type chart struct {
	Line, Lost string // the d of a path each
	Range      string // what the box reaches from and to
	Says       string // what it shows, in words
}

const (
	chartWidth  = 240
	chartHeight = 32
	chartMargin = 3 // so that what stands at the edge is not cut
	leastMark   = 6
)

// draw draws points, which are in order. A gap is no line: nothing was measured there.
func draw(points []Point, interval time.Duration, now time.Time) (c chart) {
	if len(points) == 0 {
		return c
	}
	x := func(at time.Time) float64 {
		return chartMargin + (chartWidth-2*chartMargin)*min(1, max(0, 1-float64(now.Sub(at))/float64(chartWindow)))
	}
	least, most, any := reach(points)
	y := func(ms float64) float64 {
		return chartHeight - chartMargin - (ms-least)/(most-least)*(chartHeight-2*chartMargin)
	}
	var line, lost strings.Builder
	var until time.Time // of the one before, where there is a line from it
	marks := 0
	for i := range points {
		p := &points[i]
		if gone := p.Lost + p.Unreachable; gone > 0 && p.Sent > 0 {
			marks++
			height := max(leastMark, chartHeight*gone/p.Sent)
			fmt.Fprintf(&lost, "M%.1f %dv%d", x(p.At.Time), chartHeight, -height)
		}
		if p.P50MS == nil {
			until = time.Time{}
			continue
		}
		pen := "L"
		if until.IsZero() || p.At.Sub(until) > gapAfter(interval) {
			pen = "M"
		}
		fmt.Fprintf(&line, "%s%.1f %.1fH%.1f", pen, x(p.At.Time), y(*p.P50MS), x(p.Until.Time))
		until = p.Until.Time
	}
	c.Line, c.Lost, c.Says = line.String(), lost.String(), "no answer within the hour"
	if any {
		c.Range = fmt.Sprintf("%.2f–%.2f ms", least, most)
		c.Says = "medians of the last hour, in " + c.Range
	}
	if marks > 0 {
		c.Says += fmt.Sprintf("; %d of %d batches with loss", marks, len(points))
	}
	return c
}

// reach gives from where to where a chart reaches: at least as far as a shift of the latency must be to be told (max(1 ms, 5 %)), so
// that noise does not look like one.
func reach(points []Point) (least, most float64, any bool) {
	for i := range points {
		ms := points[i].P50MS
		switch {
		case ms == nil:
		case !any:
			least, most, any = *ms, *ms, true
		default:
			least, most = min(least, *ms), max(most, *ms)
		}
	}
	middle := (least + most) / 2
	half := max(most-least, 1, middle*0.05) / 2
	least = max(0, middle-half)
	return least, max(middle+half, least+2*half), any
}
