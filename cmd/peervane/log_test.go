package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"

	"peervane/config"
)

// say logs a line at each level, with fields of every kind that the daemon uses.
func say(t *testing.T, cfg config.Log, w *os.File, onJournal bool) {
	t.Helper()
	log, _, err := newLog(cfg, w, onJournal)
	if err != nil {
		t.Fatal(err)
	}
	log.Debug("it is debugged")
	log.Named("bgp").Info("session established", zap.String("peer", "edge1-v4"), zap.Uint32("asn", 64500), zap.Duration("hold_time", 90*time.Second))
	log.Warn("configuration", zap.Error(errors.New("two\nlines")))
	log.Error("incident", zap.Reflect("notice", json.RawMessage(`{"summary":"AS1 -> AS2 <x>"}`)))
}

// logged gives what is written to a file.
func logged(t *testing.T, cfg config.Log, onJournal bool) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	say(t, cfg, f, onJournal)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

const stampPattern = `\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z`

func TestLogJSON(t *testing.T) {
	began := time.Now().UTC().Truncate(time.Microsecond)
	text := logged(t, config.Log{Level: "info", Format: "auto"}, false)
	want := []string{
		`{"level":"info","ts":"STAMP","logger":"peervane.bgp","msg":"session established","peer":"edge1-v4","asn":64500,"hold_time":"1m30s"}`,
		`{"level":"warn","ts":"STAMP","logger":"peervane","msg":"configuration","error":"two\nlines"}`,
		`{"level":"error","ts":"STAMP","logger":"peervane","msg":"incident","notice":{"summary":"AS1 -> AS2 <x>"}}`,
	}
	got := regexp.MustCompile(stampPattern).ReplaceAllString(text, "STAMP")
	if got != strings.Join(want, "\n")+"\n" {
		t.Errorf("got\n%s", text)
	}
	var line struct{ TS time.Time }
	if err := json.Unmarshal([]byte(text[:strings.IndexByte(text, '\n')]), &line); err != nil {
		t.Fatal(err)
	}
	if line.TS.Before(began) || line.TS.After(time.Now()) {
		t.Errorf("the time %s is not now", line.TS)
	}
}

func TestLogLevels(t *testing.T) {
	for level, lines := range map[string]int{"debug": 4, "info": 3, "warn": 2, "error": 1} {
		if got := strings.Count(logged(t, config.Log{Level: level, Format: "json"}, false), "\n"); got != lines {
			t.Errorf("level %s: %d lines, want %d", level, got, lines)
		}
	}
	if _, _, err := newLog(config.Log{Level: "loud"}, os.Stderr, false); err == nil {
		t.Error("an unknown level is accepted")
	}
	name := filepath.Join(t.TempDir(), "log")
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	log, level, err := newLog(config.Log{Level: "warn", Format: "json"}, f, false)
	if err != nil {
		t.Fatal(err)
	}
	log.Info("before")
	level.SetLevel(zap.DebugLevel)
	log.Named("bgp").Debug("after")
	if b, _ := os.ReadFile(name); bytes.Contains(b, []byte("before")) || !bytes.Contains(b, []byte("after")) {
		t.Errorf("a change of the level has no effect: %s", b)
	}
}

func TestLogConsole(t *testing.T) {
	got := logged(t, config.Log{Level: "debug", Format: "console"}, false)
	want := regexp.MustCompile(`^STAMP\tdebug\tpeervane\tit is debugged
STAMP\tinfo\tpeervane\.bgp\tsession established\t\{"peer": "edge1-v4", "asn": 64500, "hold_time": "1m30s"\}
STAMP\twarn\tpeervane\tconfiguration\t\{"error": "two\\nlines"\}
STAMP\terror\tpeervane\tincident\t\{"notice": \{.*\}\}
$`)
	if got := regexp.MustCompile(stampPattern).ReplaceAllString(got, "STAMP"); !want.MatchString(got) {
		t.Errorf("got\n%s", got)
	}
}

// TestLogPriorities: on a journal stream each line has one priority, at its beginning, whatever the format.
func TestLogPriorities(t *testing.T) {
	for _, format := range []string{"json", "console", "auto"} {
		plain := logged(t, config.Log{Level: "debug", Format: format}, false)
		marked := logged(t, config.Log{Level: "debug", Format: format}, true)
		stamps := regexp.MustCompile(stampPattern)
		plain, marked = stamps.ReplaceAllString(plain, "STAMP"), stamps.ReplaceAllString(marked, "STAMP")
		want := ""
		for i, line := range strings.SplitAfter(plain, "\n")[:4] {
			want += fmt.Sprintf("<%d>%s", []int{7, 6, 4, 3}[i], line)
		}
		if marked != want {
			t.Errorf("%s: got\n%swant\n%s", format, marked, want)
		}
	}
	if got := priority(zap.PanicLevel); got != 2 {
		t.Errorf("a panic has priority %d", got)
	}
}

// TestJournal runs the program with its stderr on a journal stream: each line has a priority, also those that are no part
// of the log.
func TestJournal(t *testing.T) {
	const good = "[daemon]\nasn = 64512\nrouter_id = \"192.0.2.10\"\nhttp = \"\"\n"
	for name, c := range map[string]struct{ config, want string }{
		"refused": {"[daemon]\nasn = 0\n", "^(<3>\\S+:\\d+:\\d+: .*\n){2}$"},
		"failed":  {strings.Replace(good, "http", "state_dir = \"/dev/null/state\"\nhttp", 1), `(?m)^<3>peervane: make state_dir: `},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			journal, err := os.Create(filepath.Join(dir, "journal"))
			if err != nil {
				t.Fatal(err)
			}
			defer journal.Close()
			var stat unix.Stat_t
			if err := unix.Fstat(int(journal.Fd()), &stat); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command("peervane", "run", "-c", put(t, dir, "c.toml", c.config))
			cmd.Env = append(os.Environ(), fmt.Sprintf("JOURNAL_STREAM=%d:%d", stat.Dev, stat.Ino))
			cmd.Stderr = journal
			if err := cmd.Run(); err == nil {
				t.Error("it is well")
			}
			got, err := os.ReadFile(journal.Name())
			if err != nil {
				t.Fatal(err)
			}
			if !regexp.MustCompile(c.want).Match(got) {
				t.Errorf("got\n%s", got)
			}
		})
	}
}

func TestPriorityWriter(t *testing.T) {
	var out bytes.Buffer
	w := priorityWriter{&out, 3}
	fmt.Fprint(w, "peervane: two\nlines\n")
	fmt.Fprintln(w, "and one")
	if got := out.String(); got != "<3>peervane: two\n<3>lines\n<3>and one\n" {
		t.Errorf("got %q", got)
	}
	if _, err := io.WriteString(priorityWriter{deadPipe{}, 3}, "x"); err == nil {
		t.Error("a write that failed is told as done")
	}
}

type deadPipe struct{}

func (deadPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestLogColours: there are colours where a person looks at it, and nowhere else.
func TestLogColours(t *testing.T) {
	if strings.Contains(logged(t, config.Log{Level: "debug", Format: "console"}, false), "\x1b") {
		t.Error("colours in a file")
	}
	t.Setenv("NO_COLOR", "")
	text := onTerminal(t, func(tty *os.File) { say(t, config.Log{Level: "debug", Format: "auto"}, tty, false) })
	if !strings.Contains(text, "\x1b[31merror\x1b[0m") || strings.HasPrefix(text, "{") {
		t.Errorf("no colours on a terminal: %q", text)
	}
	if !strings.Contains(text, "incident") || strings.Contains(text, "AS1 -> AS2") {
		t.Errorf("the whole notice on a terminal: %q", text)
	}
	text = onTerminal(t, func(tty *os.File) { say(t, config.Log{Level: "debug", Format: "json"}, tty, false) })
	if strings.Contains(text, "\x1b") || !strings.HasPrefix(text, "{") {
		t.Errorf("no JSON on a terminal, although asked for: %q", text)
	}
	t.Setenv("NO_COLOR", "1")
	text = onTerminal(t, func(tty *os.File) { say(t, config.Log{Level: "debug", Format: "auto"}, tty, false) })
	if strings.Contains(text, "\x1b") || strings.HasPrefix(text, "{") {
		t.Errorf("colours in spite of NO_COLOR: %q", text)
	}
}

// onTerminal gives what is written to a terminal.
func onTerminal(t *testing.T, write func(tty *os.File)) string {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		skip(t, "no terminals: "+err.Error())
	}
	defer screen.Close()
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		skip(t, "no terminals: "+err.Error())
	}
	text := make(chan string)
	go func() {
		b, _ := io.ReadAll(screen) // ends with an error once the terminal is closed
		text <- string(b)
	}()
	write(tty)
	tty.Close()
	return <-text
}
