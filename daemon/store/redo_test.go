package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
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
	row, err := appendRow(make([]byte, headSize), 0, []any{[]byte("v"), "settled", "k"})
	if err != nil {
		t.Fatal(err)
	}
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

// A log that was removed is missed, and another is made.
func TestRedoLogRemovedWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, Options{Path: path(t)})
		s.mustPut(t, all(1))
		if err := os.Remove(redoPath(s.opts.Path)); err != nil {
			t.Fatal(err)
		}
		s.mustPut(t, all(2))
		s.expect(t, 2)
		s.settled()
		s.held(t)
		s.mustPut(t, all(3))
		if n := s.logs.FilterMessageSnippet("redo log cannot be written").Len(); n != 1 {
			t.Errorf("said %d times", n)
		}
		start(t, Options{Path: s.killed(t)}).expect(t, 3)
	})
}

// What is too long for the log goes to the database at once, in its turn.
func TestTooLongForTheRedoLog(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.mustPut(t, all(1))
	long := all(2)
	long.Outbox[0].Body = make([]byte, mostSlots*slotSize)
	s.mustPut(t, long)
	s.mustPut(t, all(3))
	s.expect(t, 3)
	if s.redo == nil {
		t.Error("the log was given up")
	}
	again := start(t, Options{Path: s.killed(t)})
	again.expect(t, 3)
}

// What goes to the database at once is not overtaken by what comes later: a channel reads on from the last that it saw.
func TestNothingOvertakes(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	other, err := connect(s.opts.Path, "_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	tx, err := other.Begin()
	if err != nil {
		t.Fatal(err)
	}
	told := make(chan int, 3)
	for i := 1; i <= 3; i++ {
		b := one(i)
		if i == 2 {
			b.Outbox[0].Body = make([]byte, mostSlots*slotSize)
		}
		s.Submit(b, func(err error) {
			if err != nil {
				t.Error(err)
			}
			told <- i
		})
		if i == 1 {
			<-told
		}
	}
	s.expectPending(t, "d1")
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	if first, then := <-told, <-told; first != 2 || then != 3 {
		t.Errorf("told of %d, then %d", first, then)
	}
	s.expectPending(t, "d1", "d2", "d3")
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

func TestTheHeaderFitsItsSlot(t *testing.T) {
	if n := len(encodeHeader(1)); n != slotSize {
		t.Errorf("it takes %d bytes", n)
	}
}

// However much is promised at once, the room in the log is used again and again, and each promise is kept.
func TestRedoLogGoesAround(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	const n = 3 * redoSlots / 100
	answers := make(chan error, n)
	for i := range n {
		row := delivery(i, "noc")
		row.Body = make([]byte, 100*slotSize-1000)
		s.Submit(Batch{Outbox: []notice.Delivery{row}}, func(err error) { answers <- err })
		if i%3 == 0 {
			if err := <-answers; err != nil {
				t.Fatal(err)
			}
		}
	}
	for range n - (n+2)/3 {
		if err := <-answers; err != nil {
			t.Fatal(err)
		}
	}
	again := start(t, Options{Path: s.killed(t)})
	if again.Depth("noc") != n {
		t.Errorf("%d of %d are there", again.Depth("noc"), n)
	}
}

func TestAWholeEndLeavesNoRedoLog(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.mustPut(t, all(1))
	s.stop()
	if _, err := os.Stat(redoPath(s.opts.Path)); !os.IsNotExist(err) {
		t.Errorf("it is there: %v", err)
	}
}

// Nobody waits for a database that does not answer.
func TestCatchUpWithADatabaseThatIsHeld(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	s.held(t)
	s.mustPut(t, all(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.catchUp(ctx)
	s.fail(errSlow)
	s.catchUp(t.Context())
}

// model is what a redo log must hold.
type model struct {
	records  map[uint64][]byte
	released uint64
}

func TestRedoLogAgainstAModel(t *testing.T) {
	file := redoPath(path(t))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	r, err := createRedo(file, 3)
	if err != nil {
		t.Fatal(err)
	}
	defer r.close()
	rng, m, lsn := rand.New(rand.NewPCG(1, 2)), model{records: map[uint64][]byte{}}, uint64(0)
	for step := range 400 {
		b := make([]byte, headSize, headSize+rng.IntN(mostSlots*slotSize/2))
		b = append(b, fmt.Sprint("record ", lsn)...)
		b = b[:cap(b)]
		switch err := r.append(lsn+1, seal(b, r.id, lsn+1)); err {
		case nil:
			lsn++
			m.records[lsn] = b
		case errNoRoom:
			if len(m.records) < 2 {
				t.Fatal("no room in a log that is as good as empty")
			}
			m.release(r, m.released+1+rng.Uint64N(lsn-m.released))
		default:
			t.Fatal(err)
		}
		if step%20 == 0 {
			m.check(t, file, r.id)
		}
	}
	m.check(t, file, r.id)
}

func (m *model) release(r *redo, lsn uint64) {
	r.release(lsn)
	for ; m.released < lsn; m.released++ {
		delete(m.records, m.released+1)
	}
}

func (m *model) check(t *testing.T, file string, id uint64) {
	t.Helper()
	log, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	_, records := readRedo(log, mark{id, m.released})
	if len(records) != len(m.records) {
		t.Fatalf("%d records, want %d", len(records), len(m.records))
	}
	for _, r := range records {
		if want := m.records[r.lsn]; !bytes.Equal(r.body, want[headSize:]) {
			t.Fatalf("record %d is another", r.lsn)
		}
	}
}

func TestRowsOfARecord(t *testing.T) {
	args := []any{nil, int64(-5), 7, true, false, "text", "", []byte("blob"), []byte{}, []byte(nil), notice.SubPrefix}
	b, err := appendRow(nil, putEvent, args)
	if err != nil {
		t.Fatal(err)
	}
	want := []any{nil, int64(-5), int64(7), int64(1), int64(0), "text", "", []byte("blob"), []byte{}, nil, notice.SubPrefix}
	if err := eachRow(b, func(s statement, got ...any) error {
		if s != putEvent || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v %#v", s, got)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if _, err := appendRow(nil, putEvent, []any{1.5}); err == nil {
		t.Error("there is no column for a fraction, and yet it was taken")
	}
}

// Whatever a log holds, reading it ends, and gives records without a gap.
func FuzzRedo(f *testing.F) {
	row, _ := appendRow(make([]byte, headSize), putKV, []any{"settled", "k", []byte("v")})
	log := encodeHeader(1)
	for lsn := range uint64(3) {
		log = append(log, seal(bytes.Clone(row), 1, lsn+1)...)
	}
	f.Add(log, uint64(1), uint64(1))
	f.Add([]byte{}, uint64(0), uint64(0))
	f.Fuzz(func(t *testing.T, log []byte, id, lsn uint64) {
		_, records := readRedo(log, mark{id, lsn})
		for i, r := range records {
			if r.lsn != lsn+uint64(i)+1 {
				t.Fatalf("record %d behind %d", r.lsn, lsn+uint64(i))
			}
			eachRow(r.body, func(statement, ...any) error { return nil })
		}
		eachRow(log, func(statement, ...any) error { return nil })
	})
}
