package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"golang.org/x/term"

	"peervane/daemon/notice"
)

// screen collects rows, and prints them as a table: in aligned columns, and, where a person looks at it, in colour and no
// wider than the terminal.
type screen struct {
	w      io.Writer
	now    time.Time
	colour bool
	width  int // of the terminal; 0: it is none
	rows   [][]cell
	begun  bool   // a header was set
	layout layout // of the columns; set by the first rows that are printed
	shown  int    // rows that were printed already
}

// cell is a field of a table.
type cell struct{ text, colour string }

// none stands in a field that has nothing to tell.
const none = "-"

// Colours, as ECMA-48 has them.
const (
	normal = ""
	bold   = "1"
	red    = "31"
	green  = "32"
	yellow = "33"
)

func newScreen(w io.Writer, now time.Time) *screen {
	s := &screen{w: w, now: now}
	if f, ok := w.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		s.colour = os.Getenv("NO_COLOR") == ""
		s.width, _, _ = term.GetSize(int(f.Fd())) // 0 where it does not say
	}
	return s
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
			c.text = none
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
func (s *screen) empty() bool { return s.begun && s.shown+len(s.rows) == 1 }

// mostRows is how many rows wait to be printed together. They decide on the layout of a longer table.
const mostRows = 1000

// flow prints what has come so far, if that is much.
func (s *screen) flow() error {
	if len(s.rows) < mostRows {
		return nil
	}
	return s.print()
}

// flush prints all rows.
func (s *screen) flush() error {
	if s.begun && s.shown == 0 && s.width > 0 {
		s.rows = withoutEmpty(s.rows) // they are all here
	}
	return s.print()
}

func (s *screen) print() error {
	if s.layout.places == nil {
		s.layout.set(s.rows, s.width)
	}
	out := bufio.NewWriter(s.w)
	for _, row := range s.rows {
		s.layout.write(out, row, s.paint)
	}
	s.shown += len(s.rows)
	s.rows = s.rows[:0]
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
