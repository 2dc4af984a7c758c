package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"

	"peervane/daemon/notice"
)

// screen collects rows, and prints them as a table: in aligned columns, and in colour where a person looks at it.
type screen struct {
	w      io.Writer
	now    time.Time
	colour bool
	rows   [][]cell
	begun  bool // a header was set
}

// cell is a field of a table.
type cell struct{ text, colour string }

// Colours, as ECMA-48 has them.
const (
	normal = ""
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func newScreen(w io.Writer, now time.Time) *screen {
	f, ok := w.(*os.File)
	colour := ok && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(f.Fd()))
	return &screen{w: w, now: now, colour: colour}
}

func (s *screen) header(names ...string) {
	s.begun = true
	var row []cell
	for _, name := range names {
		row = append(row, cell{name, bold})
	}
	s.rows = append(s.rows, row)
}

// row adds fields: cells, or whatever fmt can print.
func (s *screen) row(fields ...any) {
	var row []cell
	for _, f := range fields {
		c, ok := f.(cell)
		if !ok {
			c = cell{text: fmt.Sprint(f)}
		}
		if c.text = printable(c.text); c.text == "" {
			c.text = "-"
		}
		row = append(row, c)
	}
	s.rows = append(s.rows, row)
}

// printable keeps a neighbour's words from steering the terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
}

// empty says whether there is a header and nothing below.
func (s *screen) empty() bool { return s.begun && len(s.rows) == 1 }

func (s *screen) flush() error {
	var widths []int
	for _, row := range s.rows {
		for i, c := range row[:len(row)-1] { // nothing stands behind the last one
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(c.text))
		}
	}
	out := bufio.NewWriter(s.w)
	for _, row := range s.rows {
		for i, c := range row {
			out.WriteString(s.paint(c))
			if i < len(row)-1 {
				out.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text)+2))
			}
		}
		out.WriteByte('\n')
	}
	return out.Flush()
}

func (s *screen) paint(c cell) string {
	if !s.colour || c.colour == normal {
		return c.text
	}
	return "\x1b[" + c.colour + "m" + c.text + "\x1b[0m"
}

// ago tells how long something has been so, in two units: 45s, 2m5s, 3h12m, 9d4h.
func (s *screen) ago(t notice.Time) string {
	if t.IsZero() {
		return ""
	}
	d := max(s.now.Sub(t.Time), 0).Truncate(time.Second)
	hours := int(d.Hours())
	switch {
	case d < time.Hour:
		return d.String()
	case d < 24*time.Hour:
		return fmt.Sprintf("%dh%dm", hours, int(d.Minutes())%60)
	}
	return fmt.Sprintf("%dd%dh", hours/24, hours%24)
}

// when tells a moment.
func when(t notice.Time) string {
	if t.IsZero() {
		return ""
	}
	return stamp(t.Time)
}

func severity(s notice.Severity) cell {
	return cell{s.String(), map[notice.Severity]string{notice.Warning: yellow, notice.Error: red, notice.Critical: red}[s]}
}
