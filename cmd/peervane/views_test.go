package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"peervane/daemon/api"
	"peervane/daemon/notice"
)

var someTime = time.Date(2026, 11, 22, 12, 3, 4, 0, time.UTC)

// TestViews prints the very pages that the API is held to.
func TestViews(t *testing.T) {
	for _, v := range []*view{statusView, peersView, routesView, prefixesView, eventsView, popsView, latencyView, transitsView, incidentView} {
		t.Run(v.page, func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join("..", "..", "daemon", "api", "testdata", v.page+".json"))
			if err != nil {
				t.Fatal(err)
			}
			compare(t, filepath.Join("testdata", "views", v.page+".txt"), printed(t, v, page))
		})
	}
	page, err := os.ReadFile(filepath.Join("..", "..", "daemon", "notice", "testdata", "resolved.json"))
	if err != nil {
		t.Fatal(err)
	}
	compare(t, filepath.Join("testdata", "views", "incidents.txt"), printed(t, incidentsView, []byte("["+string(page)+"]")))
}

func printed(t *testing.T, v *view, page []byte) string {
	t.Helper()
	var out bytes.Buffer
	s := newScreen(&out, someTime)
	if err := v.print(s, bytes.NewReader(page)); err != nil {
		t.Fatal(err)
	}
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run with -update and look at the difference\ngot:\n%s", file, got)
	}
}

// TestFollowed keeps the columns of notices of every length under each other.
func TestFollowed(t *testing.T) {
	var out bytes.Buffer
	for _, line := range []string{
		`{"incident":"01A","status":"firing","type":"subprefix","severity":"critical","updated_at":"2026-11-22T12:03:04.000000Z","summary":"it is announced"}`,
		`{"incident":"01B","status":"resolved","type":"pop_unreachable","severity":"error","updated_at":"2026-11-22T12:03:05.000000Z","summary":"it answers"}`,
	} {
		if err := showTold(&out, []byte(line), false); err != nil {
			t.Fatal(err)
		}
	}
	want := "2026-11-22T12:03:04Z  firing    critical  subprefix         01A  it is announced\n" +
		"2026-11-22T12:03:05Z  resolved  error     pop_unreachable   01B  it answers\n"
	if out.String() != want {
		t.Errorf("got\n%s", &out)
	}
}

func TestViewsOfNothing(t *testing.T) {
	for _, v := range []*view{peersView, routesView, prefixesView, incidentsView, eventsView, popsView, latencyView} {
		var out, complaints bytes.Buffer
		if err := v.show(&env{&out, &complaints}, strings.NewReader("[]")); err != nil || out.Len() > 0 || complaints.String() != v.none+"\n" {
			t.Errorf("%s: %q, %q, %v", v.page, &out, &complaints, err)
		}
		if err := v.show(&env{&out, &complaints}, strings.NewReader(`{"not": "a list"}`)); err == nil {
			t.Errorf("%s: an answer of another kind is printed: %s", v.page, &out)
		}
	}
}

// TestLatest tells a POP that does not answer from one that was not asked yet.
func TestLatest(t *testing.T) {
	ms := 12.1
	for _, c := range []struct {
		at   notice.Time
		ms   *float64
		want cell
	}{{want: cell{}}, {notice.At(someTime), nil, cell{"no answer", red}}, {notice.At(someTime), &ms, cell{"12.10 ms", normal}}} {
		if got := latest(c.at, c.ms); got != c.want {
			t.Errorf("%v, %v is told as %v, not as %v", c.at, c.ms, got, c.want)
		}
	}
}

// TestWhatIsNoAnswer: a POP whose port is closed does not look well, and who says that it cannot be reached is named.
func TestWhatIsNoAnswer(t *testing.T) {
	probe := func(offender string, received, refused, unreachable int) api.Probe {
		return api.Probe{Offender: offender, Figures: api.Figures{Received: received, Refused: refused, Unreachable: unreachable}}
	}
	for _, c := range []struct {
		probe                api.Probe
		refused, unreachable cell
	}{
		{probe("", 10, 0, 0), cell{}, cell{}},
		{probe("", 0, 10, 0), cell{"10, all that answered", red}, cell{}},
		{probe("", 7, 3, 0), cell{"3", yellow}, cell{}},
		{probe("192.0.2.1", 0, 0, 10), cell{}, cell{"10, latest by 192.0.2.1", yellow}},
		{probe("", 0, 0, 2), cell{}, cell{"2", yellow}},
	} {
		columns := figures(c.probe)
		if columns[2] != c.refused || columns[3] != c.unreachable {
			t.Errorf("%+v is told as %v, not as %v and %v", c.probe, columns[2:4], c.refused, c.unreachable)
		}
	}
}

func TestScreen(t *testing.T) {
	var out bytes.Buffer
	s := newScreen(&out, someTime)
	s.header("A", "LONGER", "C")
	s.row("x", cell{"évident", red}, "last")
	s.row("longest", "", "\x1b[2Jneighbour's\nwords")
	s.row("short row")
	if err := s.flush(); err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		"A        LONGER   C",
		"x        évident  last",
		"longest  -        ?[2Jneighbour's?words",
		"short row", "",
	}, "\n")
	if out.String() != want {
		t.Errorf("got\n%s", &out)
	}
}

// A terminal is never written beyond its width while there is a space to break at, and nothing is cut off.
func TestScreenFits(t *testing.T) {
	summary := "203.0.113.0/24 leaked by AS64501: AS64500 (provider) -> AS64501 -> AS3356 (provider); +38 ms to POP par1"
	for _, c := range []struct {
		width int
		want  []string
	}{
		{0, []string{
			"INCIDENT                    TYPE        ENDED  STARTED               SUMMARY",
			"01JC0000000000000000000000  route_leak  -      2026-11-22T09:00:00Z  " + summary,
			"    hint: ask AS64501 to filter what it learns from AS64500",
		}},
		{120, []string{
			"INCIDENT                    TYPE        STARTED               SUMMARY",
			"01JC0000000000000000000000  route_leak  2026-11-22T09:00:00Z  203.0.113.0/24 leaked by AS64501: AS64500 (provider) ->",
			"                                                              AS64501 -> AS3356 (provider); +38 ms to POP par1",
			"    hint: ask AS64501 to filter what it learns from AS64500",
		}},
		{50, []string{
			"INCIDENT                    TYPE",
			"    STARTED",
			"    SUMMARY",
			"01JC0000000000000000000000  route_leak",
			"    2026-11-22T09:00:00Z",
			"    203.0.113.0/24 leaked by AS64501: AS64500",
			"    (provider) -> AS64501 -> AS3356 (provider);",
			"    +38 ms to POP par1",
			"    hint: ask AS64501 to filter what it learns",
			"          from AS64500",
		}},
	} {
		var out bytes.Buffer
		s := newScreen(&out, someTime)
		s.width = c.width
		s.header("INCIDENT", "TYPE", "ENDED", "STARTED", "SUMMARY")
		s.row("01JC0000000000000000000000", "route_leak", "", "2026-11-22T09:00:00Z", summary)
		s.row("    hint: ask AS64501 to filter what it learns from AS64500")
		if err := s.flush(); err != nil {
			t.Fatal(err)
		}
		if want := strings.Join(c.want, "\n") + "\n"; out.String() != want {
			t.Errorf("at a width of %d, got\n%s\nwant\n%s", c.width, &out, want)
		}
	}
}

func TestScreenColours(t *testing.T) {
	t.Setenv("NO_COLOR", "")
	text := onTerminal(t, func(tty *os.File) {
		s := newScreen(tty, someTime)
		s.row(cell{"bad", red}, "b")
		s.row("good", "b")
		if err := s.flush(); err != nil {
			t.Error(err)
		}
	})
	if text != "\x1b[31mbad\x1b[0m   b\r\ngood  b\r\n" {
		t.Errorf("got %q", text)
	}
}

func TestAgo(t *testing.T) {
	s := newScreen(&bytes.Buffer{}, someTime)
	for want, d := range map[string]time.Duration{
		"0s": -time.Hour, "45s": 45900 * time.Millisecond, "2m5s": 125 * time.Second, "3h12m": 3*time.Hour + 12*time.Minute + 9*time.Second,
		"9d4h": 9*24*time.Hour + 4*time.Hour + time.Minute,
	} {
		if got := s.ago(notice.At(someTime.Add(-d))); got != want {
			t.Errorf("%s ago is told as %s", d, got)
		}
	}
	if got := s.ago(notice.Time{}); got != "" {
		t.Errorf("never is told as %s", got)
	}
}
