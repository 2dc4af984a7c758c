package main

import (
	"bufio"
	"strings"
	"unicode/utf8"
)

const (
	gap       = 2  // between columns
	indent    = 4  // of what goes on in another line
	leastText = 40 // the last column is not squeezed into less
)

// layout says where each column of a table stands. On a terminal that is too narrow, columns go on in a second line, and the
// last one, which is free text, in as many as it needs: nothing is cut off. Elsewhere a row is a line, whatever its length.
type layout struct {
	width  int // 0: unlimited
	places []place
}

// place is where a column stands.
type place struct{ line, at int }

// set lays out the columns that some rows need.
func (l *layout) set(rows [][]cell, width int) {
	l.width = width
	widths, text := columnWidths(rows)
	at := place{}
	for i, w := range widths {
		need := w
		if i == len(widths)-1 {
			need = min(text, leastText)
		}
		if width > 0 && at.at > 0 && at.at+need > width && (at.line == 0 || at.at > indent) {
			at.line, at.at = at.line+1, indent
		}
		l.places = append(l.places, at)
		at.at += w + gap
	}
}

// columnWidths gives how wide each column is, and how long the longest text of the last one. A cell behind which nothing
// stands in its row widens no column.
func columnWidths(rows [][]cell) (widths []int, text int) {
	for _, row := range rows {
		for len(widths) < len(row) {
			widths = append(widths, 0)
		}
	}
	for _, row := range rows {
		for i, c := range row {
			n := utf8.RuneCountInString(c.text)
			switch {
			case i < len(row)-1:
				widths[i] = max(widths[i], n)
			case i == len(widths)-1:
				text = max(text, n)
			}
		}
	}
	return widths, text
}

// withoutEmpty leaves out the columns that have a header, which is the first row, and nothing below.
func withoutEmpty(rows [][]cell) [][]cell {
	full := map[int]bool{}
	for _, row := range rows[1:] {
		for i, c := range row {
			full[i] = full[i] || c.text != none
		}
	}
	for n, row := range rows {
		var kept []cell
		for i, c := range row {
			if full[i] {
				kept = append(kept, c)
			}
		}
		rows[n] = kept
	}
	return rows
}

func (l *layout) write(out *bufio.Writer, row []cell, paint func(cell) string) {
	if len(row) == 1 && len(l.places) > 1 {
		l.wrapped(out, row[0], 0, indent+gap+leading(row[0].text), paint) // it stands in no column
		out.WriteByte('\n')
		return
	}
	line, x := 0, 0
	for i, c := range row {
		p := l.places[i]
		if p.line > line {
			out.WriteByte('\n')
			line, x = p.line, 0
		}
		pad := p.at - x
		if x > 0 {
			pad = max(pad, gap) // in a longer table than was laid out a cell may end beyond its column
		}
		out.WriteString(strings.Repeat(" ", pad))
		x += pad
		if i == len(row)-1 {
			l.wrapped(out, c, x, x, paint)
			break
		}
		out.WriteString(paint(c))
		x += utf8.RuneCountInString(c.text)
	}
	out.WriteByte('\n')
}

// wrapped writes a text that begins at a place, in as many lines as it needs, the further ones at another place.
func (l *layout) wrapped(out *bufio.Writer, c cell, at, further int, paint func(cell) string) {
	rest := c.text
	for l.width > 0 && at+utf8.RuneCountInString(rest) > l.width {
		cut := lastSpace(rest, l.width-at)
		if cut <= 0 {
			break // one long word: the terminal breaks it
		}
		out.WriteString(paint(cell{rest[:cut], c.colour}))
		out.WriteString("\n" + strings.Repeat(" ", further))
		rest, at = strings.TrimLeft(rest[cut:], " "), further
	}
	out.WriteString(paint(cell{rest, c.colour}))
}

// lastSpace is where a text can be broken so that at most n characters come before, or else as early as it can; 0: nowhere.
func lastSpace(text string, n int) (cut int) {
	count := 0
	for i, r := range text {
		if r == ' ' && i > leading(text) {
			if count > n && cut > 0 {
				return cut
			}
			cut = i
			if count > n {
				return cut
			}
		}
		count++
	}
	return cut
}

// leading is how many spaces a text begins with.
func leading(text string) int { return len(text) - len(strings.TrimLeft(text, " ")) }
