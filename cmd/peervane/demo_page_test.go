package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestFold(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", []string{""}},
		{"one two  three", []string{"one two", "three"}},
		{"a longerthanline b", []string{"a", "longerthanline", "b"}},
		{"über ändert ß", []string{"über", "ändert ß"}},
	} {
		if got := fold(c.text, 8); !slices.Equal(got, c.want) {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestPage(t *testing.T) {
	var out bytes.Buffer
	p := newDemoPage(&out, false)
	p.heading("1  Peering")
	p.row(inkBold, "open", inkPlain, strings.Repeat("word ", 20))
	p.exact(inkRed, "log", inkPlain, strings.Repeat("é", 100))
	p.table(inkBold, "table", [][]string{{"a", "long cell", "c"}, {"longer", "b", ""}})
	p.verbatim(inkBold, "log", inkPlain, strings.Repeat("x", 1000), 2)
	p.bars("to par1", []demoFigure{{"before", 12.3, inkGreen}, {"after", 50.4, inkRed}})
	p.raw([]byte("not here"))
	const want = `
── 1  Peering ──────────────────────────────────────────────────────────────────

       open   word word word word word word word word word word word word word
              word word word word word word word
        log   ééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééééé…
      table   a       long cell  c
              longer  b
        log   xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
              xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
    to par1   before       12.3 ms  ██████████
              after        50.4 ms  ██████████████████████████████████████████
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestPageJSON(t *testing.T) {
	var out bytes.Buffer
	p := newDemoPage(&out, true)
	p.heading("not here")
	p.prose("nor here")
	p.bars("", nil)
	p.raw([]byte("{}"))
	if out.String() != "{}\n" {
		t.Errorf("got %q", &out)
	}
}

// On a terminal there are colours, unless NO_COLOR is set, and its width counts.
func TestPageOnTerminal(t *testing.T) {
	tty := openTerminal(t, 90)
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	if p := newDemoPage(tty, false); p.width != 90 || p.paint(inkRed, "x") != "\x1b[1;31mx\x1b[0m" {
		t.Errorf("width %d, %q", p.width, p.paint(inkRed, "x"))
	}
	t.Setenv("NO_COLOR", "1")
	if p := newDemoPage(tty, false); p.paint(inkRed, "x") != "x" {
		t.Errorf("NO_COLOR gives %q", p.paint(inkRed, "x"))
	}
}

// openTerminal makes a pseudo terminal (pty(7)) of so many columns.
func openTerminal(t *testing.T, columns uint16) *os.File {
	t.Helper()
	control, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		skip(t, "no pseudo terminals: "+err.Error())
	}
	t.Cleanup(func() { control.Close() })
	fd := int(control.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0),
		unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 40, Col: columns}))
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		skip(t, "no pseudo terminals: "+err.Error())
	}
	t.Cleanup(func() { tty.Close() })
	return tty
}

type brokenPipe struct{ writes int }

var errBroken = errors.New("broken")

func (b *brokenPipe) Write([]byte) (int, error) { b.writes++; return 0, errBroken }

func TestPageKeepsItsError(t *testing.T) {
	var w brokenPipe
	p := newDemoPage(&w, false)
	p.say("one")
	p.say("two")
	if p.err != errBroken || w.writes != 1 {
		t.Errorf("error %v after %d writes", p.err, w.writes)
	}
}

func TestSpell(t *testing.T) {
	for d, want := range map[time.Duration]string{
		1234 * time.Microsecond: "1.2 ms", 99 * time.Millisecond: "99.0 ms", 456789 * time.Microsecond: "457 ms", 1136 * time.Millisecond: "1.14 s",
	} {
		if got := spell(d); got != want {
			t.Errorf("%s: %q, want %q", d, got, want)
		}
	}
}

func TestLookUp(t *testing.T) {
	var body any
	if err := json.Unmarshal([]byte(`{"a": {"b": [{"c": 1}]}, "d": "x", "e": null}`), &body); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		".a.b[0].c": "1", ".d": `"x"`, ".a": `{"b":[{"c":1}]}`, ".e": "", ".f": "", ".a.b[1].c": "", ".d.e": "", ".a.b.c": "",
	} {
		if got, ok := lookUp(body, path); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %s, %t, want %s", path, got, ok, want)
		}
	}
}
