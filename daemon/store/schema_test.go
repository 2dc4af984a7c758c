package store

import (
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// oldSchemas are databases of every schema that was, as SQL with rows in each table.
func oldSchemas(t *testing.T) []string {
	t.Helper()
	found, err := filepath.Glob("testdata/schema-*.sql")
	if err != nil || len(found) == 0 {
		t.Fatalf("no old schema: %v", err)
	}
	return found
}

// makeOld makes the database of an earlier version.
func makeOld(t *testing.T, script string) (file string) {
	t.Helper()
	text, err := os.ReadFile(script)
	if err != nil {
		t.Fatal(err)
	}
	file = path(t)
	if _, err := create(file); err != nil {
		t.Fatal(err)
	}
	db, err := connect(file, "_pragma=journal_mode(WAL)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(string(text)); err != nil {
		t.Fatal(err)
	}
	return file
}

// A database of any earlier version is brought to the newest schema with all that it holds, and can shrink from then on. No
// version wrote the first table of latencies, which therefore goes.
func TestMigrationFromEveryOlderSchema(t *testing.T) {
	for _, script := range oldSchemas(t) {
		t.Run(filepath.Base(script), func(t *testing.T) {
			file := makeOld(t, script)
			for range 2 { // migrated, then opened as it is
				s := start(t, Options{Path: file})
				expectOldRows(t, s)
				expectNewest(t, s)
				s.stop()
			}
			s := start(t, Options{Path: file})
			s.mustPut(t, Batch{Incidents: []Incident{incident("i3")}, Outbox: []notice.Delivery{delivery(9, "noc")}})
			if got := s.pending(t, "noc"); fmt.Sprint(got) != "[d1 d9]" {
				t.Errorf("pending %v", got)
			}
		})
	}
}

func expectOldRows(t *testing.T, s *running) {
	t.Helper()
	state, err := s.Load(t.Context())
	if err != nil || len(state.Incidents) != 1 || state.Incidents[0].ID != "i1" || !state.Incidents[0].Told["noc"] || len(state.KV) != 1 {
		t.Errorf("state %+v, %v", state, err)
	}
	if over, err := s.Incidents(t.Context(), notice.Resolved, "", 10); err != nil || len(over) != 1 || over[0].ID != "i2" {
		t.Errorf("resolved %+v, %v", over, err)
	}
	if events, err := s.Events(t.Context(), prefix, time.UnixMicro(0), 10); err != nil || len(events) != 1 || events[0].Type != "session_up" {
		t.Errorf("events %+v, %v", events, err)
	}
	dead, err := s.DeadLetters(t.Context(), 0, 10)
	if got := s.pending(t, "noc"); err != nil || fmt.Sprint(got) != "[d1]" || len(dead) != 1 || dead[0].ID != "d2" {
		t.Errorf("pending %v, dead %+v, %v", got, dead, err)
	}
}

func expectNewest(t *testing.T, s *running) {
	t.Helper()
	for pragma, want := range map[string]int{"user_version": len(migrations), "auto_vacuum": 2} {
		var got int
		if err := s.database().write.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s is %d, %v, want %d", pragma, got, err, want)
		}
	}
}

// A migration that was released is never changed: each old schema is what its migrations make.
func TestMigrationsAreNeverChanged(t *testing.T) {
	for i, script := range oldSchemas(t) {
		file := makeOld(t, script)
		db, err := connect(file)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		fresh, err := connect(memory)
		if err != nil {
			t.Fatal(err)
		}
		defer fresh.Close()
		fresh.SetMaxOpenConns(1)
		for version := range i + 1 {
			if err := step(t.Context(), fresh, version); err != nil {
				t.Fatal(err)
			}
		}
		for name, sql := range objects(t, fresh) {
			if got := objects(t, db)[name]; got != sql {
				t.Errorf("%s: %s is\n%s\nand the migrations make\n%s", script, name, got, sql)
			}
		}
	}
}

// objects are the tables and indexes of a database, each as it was written, by name.
func objects(t *testing.T, db *sql.DB) map[string]string {
	t.Helper()
	rows, err := db.Query("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var name, text string
		if err := rows.Scan(&name, &text); err != nil {
			t.Fatal(err)
		}
		all[name] = strings.Join(strings.Fields(text), " ")
	}
	return all
}

// An incident takes little more room than it is long: what takes twice as much is written twice, too.
func TestAnIncidentTakesNoPageOfItsOwn(t *testing.T) {
	const n, long = 2000, 1400 // what is kept of one that one session shows
	s := start(t, Options{Path: path(t)})
	for i := range n / 100 {
		var b Batch
		for j := range 100 {
			one := incident(fmt.Sprintf("i%06d", 100*i+j))
			one.Notice, one.State = make([]byte, 3*long/4), make([]byte, long/4)
			b.Incidents = append(b.Incidents, one)
		}
		s.mustPut(t, b)
	}
	if _, err := s.Incident(t.Context(), "i000000"); err != nil { // by then all that was promised is in the database
		t.Fatal(err)
	}
	f, err := s.database().footprint()
	t.Logf("%d bytes each", f.pages/n)
	if each := f.pages / n; err != nil || each > 3*long/2 {
		t.Errorf("each takes %d bytes, %v", each, err)
	}
}

// A database that was begun and not made, by a kill or on a full disk, has the pages of a new one.
func TestAnEmptyDatabaseIsLaidOut(t *testing.T) {
	file := path(t)
	if _, err := create(file); err != nil {
		t.Fatal(err)
	}
	s := start(t, Options{Path: file})
	s.mustPut(t, Batch{Incidents: []Incident{incident("i1")}})
	expectNewest(t, s)
	if d := s.database(); d.page != pageSize {
		t.Errorf("its pages have %d bytes", d.page)
	}
}
