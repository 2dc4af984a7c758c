package api

import (
	"fmt"
	"strings"
	"time"
)

// A chart is the last hour of one way to a POP, in a box of SVG units: the median of each batch, from the least to the greatest,
// and a mark where one was lost.
type chart struct {
	Line  string // the d of a path
	Lost  string // the same, of the marks
	Range string // what the box reaches from and to
}

const (
	chartWidth  = 240
	chartHeight = 32
	chartMargin = 2 // so that the line is not cut
)

// draw draws points, which are in order. The chart ends with the last one.
func draw(points []Point) (c chart) {
	least, most := reach(points)
	if len(points) == 0 {
		return c
	}
	end := points[len(points)-1].At.Time
	x := func(at time.Time) float64 {
		return chartWidth * (1 - float64(end.Sub(at))/float64(chartWindow))
	}
	y := func(ms float64) float64 {
		if most == least {
			return chartHeight / 2
		}
		return chartHeight - chartMargin - (ms-least)/(most-least)*(chartHeight-2*chartMargin)
	}
	var line, lost strings.Builder
	pen := "M" // a gap is no line
	for i := range points {
		p := &points[i]
		if p.Lost > 0 {
			fmt.Fprintf(&lost, "M%.1f 0V%d", x(p.At.Time), chartHeight)
		}
		if p.P50MS == nil {
			pen = "M"
			continue
		}
		fmt.Fprintf(&line, "%s%.1f %.1f", pen, x(p.At.Time), y(*p.P50MS))
		pen = "L"
	}
	c.Line, c.Lost = line.String(), lost.String()
	if c.Line != "" {
		c.Range = fmt.Sprintf("%.2f–%.2f ms", least, most)
	}
	return c
}

// reach gives the least and the greatest median.
func reach(points []Point) (least, most float64) {
	first := true
	for i := range points {
		ms := points[i].P50MS
		if ms == nil {
			continue
		}
		if first {
			least, most, first = *ms, *ms, false
		}
		least, most = min(least, *ms), max(most, *ms)
	}
	return least, most
}
