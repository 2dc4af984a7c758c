package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/notice"
)

// held keeps the database from following the redo log, until the end of the test.
func (r *running) held(t *testing.T) {
	t.Helper()
	other, err := connect(r.opts.Path, "_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { other.Close() })
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tx.Rollback() })
}

// killed gives the state folder as a kill would leave it now.
func (r *running) killed(t *testing.T) string {
	t.Helper()
	to := path(t)
	r.killedInto(t, to)
	return to
}

func (r *running) killedInto(t *testing.T, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, suffix := range []string{"", "-wal", "-shm", ".redo"} {
		content, err := os.ReadFile(r.opts.Path + suffix)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to+suffix, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// all is a batch with a row of every kind.
func all(id int) Batch {
	n := fmt.Sprint(id)
	row := hour()
	row.POP = "pop" + n
	return Batch{
		Incidents: []Incident{incident("i" + n)}, Outbox: []notice.Delivery{delivery(id, "noc")}, KV: []KV{{"settled", n, []byte(n)}},
		Events: []Event{{At: epoch, Type: "session_up", Severity: notice.Info, Prefix: prefix, Detail: []byte(n)}}, Latency: []Latency{row},
	}
}

// expect looks whether the batches all(1) to all(n) are there, each once.
func (r *running) expect(t *testing.T, n int) {
	t.Helper()
	var ids []string
	for i := range n {
		ids = append(ids, fmt.Sprint("d", i+1))
	}
	if got := r.pending(t, "noc"); !reflect.DeepEqual(got, ids) {
		t.Errorf("pending: got %v, want %v", got, ids)
	}
	if r.Depth("noc") != n {
		t.Errorf("depth %d, want %d", r.Depth("noc"), n)
	}
	state, err := r.Load(t.Context())
	if err != nil || len(state.Incidents) != n || len(state.KV) != n {
		t.Errorf("loaded %d incidents and %d pieces of state, %v, want %d", len(state.Incidents), len(state.KV), err, n)
	}
	for i, found := range state.Incidents {
		if want := incident(fmt.Sprint("i", i+1)); !reflect.DeepEqual(found, want) {
			t.Errorf("got %+v, want %+v", found, want)
		}
	}
	if events, err := r.Events(t.Context(), prefix, epoch, 1000); err != nil || len(events) != n {
		t.Errorf("%d events, %v, want %d", len(events), err, n)
	}
	for i := range n {
		if got := r.history(t, fmt.Sprint("pop", i+1), epoch); len(got) != 1 {
			t.Errorf("%d hours of pop%d", len(got), i+1)
		}
	}
}

// What was promised and did not reach the database is there after a kill, once.
func TestPromisedBeforeAKill(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.mustPut(t, all(1))
	s.catchUp(t.Context())
	s.held(t)
	for i := 2; i <= 5; i++ {
		s.mustPut(t, all(i))
	}
	file := s.killed(t)
	again := start(t, Options{Path: file})
	again.expect(t, 5)
	if found := again.logs.FilterMessageSnippet("promised before").All(); len(found) != 1 || found[0].ContextMap()["transactions"] != int64(4) {
		t.Errorf("the log says %v", found)
	}
	again.mustPut(t, all(6))
	again.expect(t, 6)
	again.stop()
	again = start(t, Options{Path: file})
	again.expect(t, 6)
}

// What did reach it is not done again.
func TestWrittenBeforeAKill(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	for i := 1; i <= 3; i++ {
		s.mustPut(t, all(i))
	}
	s.catchUp(t.Context())
	again := start(t, Options{Path: s.killed(t)})
	again.expect(t, 3)
	if n := again.logs.FilterMessageSnippet("promised before").Len(); n != 0 {
		t.Error("something was done again")
	}
}

// A record that a power cut has torn was not promised; what is before it was.
func TestTornRecord(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.held(t)
	for i := 1; i <= 3; i++ {
		s.mustPut(t, all(i))
	}
	file := s.killed(t)
	spoil(t, redoPath(file), 3*slotSize)
	start(t, Options{Path: file}).expect(t, 2)
}

// A log that is not of the database's own time changes nothing.
func TestRedoLogOfAnotherTime(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.mustPut(t, all(1))
	s.catchUp(t.Context())
	old := s.killed(t)
	s.mustPut(t, all(2))
	s.catchUp(t.Context())
	s.stop()
	s = start(t, Options{Path: s.opts.Path})
	s.held(t)
	s.mustPut(t, all(3))
	if err := os.Rename(redoPath(s.killed(t)), redoPath(old)); err != nil {
		t.Fatal(err)
	}
	start(t, Options{Path: old}).expect(t, 1)
}

// The state folder could not be read when the process began, and can later.
func TestRedoLogThatIsFoundLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.mustPut(t, all(1))
		file := s.killed(t)     // the database follows only as time goes on
		time.Sleep(time.Minute) // numbers of deliveries begin at the time
		folder := filepath.Dir(file)
		if err := os.Rename(folder, folder+".away"); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(folder, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		late := start(t, Options{Path: file})
		if late.put(all(2)) == nil {
			t.Error("written to nowhere")
		}
		if err := os.Remove(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(folder+".away", folder); err != nil {
			t.Fatal(err)
		}
		late.settled()
		late.expect(t, 2)
	})
}

// The log of an earlier version of the program holds what its statements were.
func TestRedoLogOfAnEarlierVersion(t *testing.T) {
	file, id := path(t), uint64(7)
	s := start(t, Options{Path: file})
	if _, err := s.database().write.Exec(statementTexts[putKV], kindRedo, "", mark{id, 4}.text()); err != nil {
		t.Fatal(err)
	}
	s.stop()
	header, _ := json.Marshal(redoHeader{[]string{`INSERT INTO kv (value, kind, key) VALUES (?,?,?)`}})
	row := appendRow(make([]byte, headSize), 0, []value{blobValue([]byte("v")), textValue("settled"), textValue("k")})
	write := func(rows []byte) {
		log := append(seal(append(make([]byte, headSize), header...), id, 0), seal(bytes.Clone(rows), id, 5)...)
		if err := os.WriteFile(redoPath(file), log, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(row)
	s = start(t, Options{Path: file})
	if state, err := s.Load(t.Context()); err != nil || !reflect.DeepEqual(state.KV, []KV{{"settled", "k", []byte("v")}}) {
		t.Errorf("loaded %+v, %v", state.KV, err)
	}
}

// A log that the database does not take is kept for a person to look at.
func TestUnusableRedoLog(t *testing.T) {
	for name, rows := range map[string][]byte{
		"no such statement": append(make([]byte, headSize), 200, 0), "too few arguments": append(make([]byte, headSize), byte(putKV), 0),
		"no rows": append(make([]byte, headSize), 1),
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, Options{Path: path(t)})
			s.mustPut(t, all(1))
			s.catchUp(t.Context())
			file := s.killed(t)
			f, err := os.OpenFile(redoPath(file), os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if _, err := f.WriteAt(seal(bytes.Clone(rows), s.redoID, 2), 2*slotSize); err != nil {
				t.Fatal(err)
			}
			again := start(t, Options{Path: file})
			again.expect(t, 1)
			again.mustPut(t, all(2))
			again.expect(t, 2)
			if found, _ := filepath.Glob(redoPath(file) + ".unusable-*Z"); len(found) != 1 || again.logs.FilterMessageSnippet("redo log set aside").Len() != 1 {
				t.Errorf("set aside: %v; log: %v", found, again.logs.All())
			}
		})
	}
}

// A database that begins while the store runs counts on the log, too.
func TestKilledAfterAnotherDatabaseBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.mustPut(t, all(1))
		s.catchUp(t.Context())
		if _, err := s.database().write.Exec("PRAGMA wal_checkpoint(TRUNCATE)"); err != nil {
			t.Fatal(err)
		}
		s.mustPut(t, Batch{Urgent: true})
		time.Sleep(time.Second)
		synctest.Wait() // it has seen the size
		if err := os.Truncate(s.opts.Path, 5000); err != nil {
			t.Fatal(err)
		}
		s.mustPut(t, one(2)) // its transaction meets the damage
		s.catchUp(t.Context())
		if len(asides(t, s.opts.Path)) != 1 {
			t.Fatal("no other database began")
		}
		s.held(t)
		s.mustPut(t, one(3))
		start(t, Options{Path: s.killed(t)}).expectPending(t, "d1", "d2", "d3")
	})
}

// A copy of the database is whole without the log, and the log of a later time is not for it.
func TestBackupBelongsToNoLog(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.mustPut(t, all(1))
	var copied bytes.Buffer
	if err := s.Backup(t.Context(), &copied); err != nil {
		t.Fatal(err)
	}
	s.held(t)
	s.mustPut(t, all(2))
	file := s.killed(t)
	if err := os.WriteFile(file, copied.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(file + "-wal"); err != nil {
		t.Fatal(err)
	}
	start(t, Options{Path: file}).expect(t, 1)
}

// An older program leaves a newer one its log.
func TestRedoLogOfANewerVersion(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.mustPut(t, all(1))
	s.catchUp(t.Context())
	if _, err := s.database().write.Exec("PRAGMA user_version = 99"); err != nil {
		t.Fatal(err)
	}
	file := s.killed(t)
	before, err := os.ReadFile(redoPath(file))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Path: file, Log: zap.NewNop()}); !errors.Is(err, ErrNewer) {
		t.Errorf("got %v", err)
	}
	if after, _ := os.ReadFile(redoPath(file)); !bytes.Equal(before, after) {
		t.Error("the log was changed")
	}
}
