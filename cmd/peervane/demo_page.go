package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// The page has two columns: what a line is, right-aligned, and the line.
const (
	labelWidth   = 11
	columnGap    = 3
	contentLeft  = labelWidth + columnGap
	plainWidth   = 80 // where there is no terminal to ask
	leastWidth   = 60
	largestWidth = 100 // longer lines are hard to read
)

// ink is how something looks on a terminal with colours (ECMA-48, SGR); elsewhere all looks the same.
type ink string

const (
	inkPlain  ink = normal
	inkBold   ink = bold
	inkRed    ink = bold + ";" + red
	inkYellow ink = bold + ";" + yellow
	inkGreen  ink = bold + ";" + green
	inkDim    ink = "2"
	inkCyan   ink = "36"
)

// demoPage is where the story is written. A write that fails is kept, and silences all later ones.
type demoPage struct {
	w      io.Writer
	json   bool // alerts alone, as they came
	width  int
	colour bool
	err    error
}

func newDemoPage(w io.Writer, json bool) *demoPage {
	p := &demoPage{w: w, json: json, width: plainWidth}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			p.width = min(max(width, leastWidth), largestWidth)
		}
		p.colour = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	}
	return p
}

func (p *demoPage) print(text string) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, text)
	}
}

// say writes a line of the story.
func (p *demoPage) say(format string, args ...any) {
	if !p.json {
		p.print(strings.TrimRight(fmt.Sprintf(format, args...), " ") + "\n")
	}
}

// raw writes the body of an alert, where these alone are wanted.
func (p *demoPage) raw(body []byte) {
	if p.json {
		p.print(string(body) + "\n")
	}
}

func (p *demoPage) gap() { p.say("") }

func (p *demoPage) paint(s ink, text string) string {
	if !p.colour || s == inkPlain || text == "" {
		return text
	}
	return "\x1b[" + string(s) + "m" + text + "\x1b[0m"
}

// heading begins a part of the story.
func (p *demoPage) heading(text string) {
	line := strings.Repeat("─", max(0, p.width-utf8.RuneCountInString(text)-4))
	p.gap()
	p.say("%s %s %s", p.paint(inkDim, "──"), p.paint(inkBold, text), p.paint(inkDim, line))
	p.gap()
}

// row writes text beside a label, in as many lines as it takes.
func (p *demoPage) row(of ink, label string, as ink, text string) {
	for _, line := range fold(text, p.width-contentLeft) {
		p.exact(of, label, as, line)
		label = ""
	}
}

// exact writes one line beside a label, cut where the page ends.
func (p *demoPage) exact(of ink, label string, as ink, line string) {
	p.say("%s%s%s%s", strings.Repeat(" ", max(0, labelWidth-utf8.RuneCountInString(label))), p.paint(of, label),
		strings.Repeat(" ", columnGap), p.paint(as, cut(line, p.width-contentLeft)))
}

// prose writes text over the whole width.
func (p *demoPage) prose(text string) {
	for _, line := range fold(text, p.width) {
		p.say("%s", line)
	}
}

// fold breaks text between words; a word that is longer than a line stays whole.
func fold(text string, width int) (lines []string) {
	line, n := "", 0
	for _, word := range strings.Fields(text) {
		w := utf8.RuneCountInString(word)
		switch {
		case n == 0:
			line, n = word, w
		case n+1+w <= width:
			line, n = line+" "+word, n+1+w
		default:
			lines = append(lines, line)
			line, n = word, w
		}
	}
	return append(lines, line)
}

// cut shortens a line, and shows that it did.
func cut(line string, width int) string {
	if utf8.RuneCountInString(line) <= width {
		return line
	}
	return string([]rune(line)[:max(0, width-1)]) + "…"
}

// table writes rows with aligned columns beside a label.
func (p *demoPage) table(of ink, label string, rows [][]string) {
	for _, line := range align(rows) {
		p.exact(of, label, inkPlain, line)
		label = ""
	}
}

// align pads the cells of each column to one width.
func align(rows [][]string) (lines []string) {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	for _, row := range rows {
		var b strings.Builder
		for i, cell := range row {
			fmt.Fprintf(&b, "%-*s  ", widths[i], cell)
		}
		lines = append(lines, strings.TrimRight(b.String(), " "))
	}
	return lines
}

// verbatim writes the beginning of a long line as it is, in so many lines of the page.
func (p *demoPage) verbatim(of ink, label string, as ink, text string, lines int) {
	width := p.width - contentLeft
	for rest := []rune(cut(text, lines*width)); len(rest) > 0; rest = rest[min(width, len(rest)):] {
		p.exact(of, label, as, string(rest[:min(width, len(rest))]))
		label = ""
	}
}

// bars draws figures to one scale.
func (p *demoPage) bars(label string, figures []demoFigure) {
	const room = 24 // for what stands before a bar
	scale := 0.0
	for _, f := range figures {
		scale = max(scale, f.ms)
	}
	for _, f := range figures {
		n := int(f.ms/scale*float64(p.width-contentLeft-room) + 0.5)
		p.say("%*s%s%-8s %8.1f ms  %s", labelWidth, label, strings.Repeat(" ", columnGap), f.name, f.ms,
			p.paint(f.as, strings.Repeat("█", max(1, n))))
		label = ""
	}
}

// demoFigure is a latency to draw.
type demoFigure struct {
	name string
	ms   float64
	as   ink
}
