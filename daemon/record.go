package daemon

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/source"
)

// RecordingID is the header of the answer that names the recording, for who wants to end it.
const RecordingID = "Peervane-Recording"

// record writes all that the engine takes in, from now on, until it is asked to end or so much time has passed.
func (d *Daemon) record(w http.ResponseWriter, r *http.Request) {
	length, err := recordingTime(r.URL.Query().Get("for"))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	rec, err := d.recorders.begin()
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	defer d.recorders.leave(rec)
	t := newTaping(d, w, rec)
	if !t.begin(r.Context()) {
		http.Error(w, errStopping.Error(), http.StatusServiceUnavailable)
		return
	}
	d.log.Info("recording began", zap.String("recording", rec.id))
	switch err := t.run(r.Context(), length); {
	case err != nil:
		d.log.Warn("recording was broken off by who took it", zap.String("recording", rec.id), zap.Error(err))
		panic(http.ErrAbortHandler)
	case t.ended != "":
		d.log.Warn("recording ended early", zap.String("recording", rec.id), zap.String("reason", t.ended))
	default:
		d.log.Info("recording ended", zap.String("recording", rec.id))
	}
}

// recordingTime reads how long to record; 0: until somebody ends it.
func recordingTime(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		return 0, fmt.Errorf("for=%q: give how long to record, such as 30s or 2h", text)
	}
	return d, nil
}

// stopRecording has a recording end in order.
func (d *Daemon) stopRecording(w http.ResponseWriter, r *http.Request) {
	if !d.recorders.ask(r.URL.Query().Get("id")) {
		http.Error(w, "there is no such recording: it has ended", http.StatusNotFound)
	}
}

// taping is the writing of one recording.
type taping struct {
	*Daemon
	rec    *recorder
	answer *http.ResponseController
	out    *bufio.Writer
	tape   *source.TapeWriter

	from  time.Time
	host  string
	until time.Time // of what was written
	ended string    // why it ended early
}

func newTaping(d *Daemon, w http.ResponseWriter, rec *recorder) *taping {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set(RecordingID, rec.id)
	t := &taping{Daemon: d, rec: rec, answer: http.NewResponseController(w)}
	t.out = bufio.NewWriterSize(patientWriter{w, t.answer}, 64<<10)
	t.tape = source.NewTapeWriter(t.out)
	return t
}

// patientWriter gives up on a reader that takes nothing for long.
type patientWriter struct {
	http.ResponseWriter
	answer *http.ResponseController
}

func (w patientWriter) Write(p []byte) (int, error) {
	// Where there are no deadlines, there is no connection that could stall.
	_ = w.answer.SetWriteDeadline(time.Now().Add(recorderStall))
	return w.ResponseWriter.Write(p)
}

// begin takes down how all stands, and hears the rest from then on; false when the engine has ended.
func (t *taping) begin(ctx context.Context) bool {
	begun := make(chan struct{})
	select {
	case t.calls <- func() {
		t.from, t.host = time.Now(), sourceName(t.cfg)
		t.recorders.add(t.engine, t.rec, t.from)
		close(begun)
	}:
		<-begun
		return true
	case <-t.recorders.over:
	case <-ctx.Done():
	}
	return false
}

// run writes the recording. Its error is that of the reader.
func (t *taping) run(ctx context.Context, length time.Duration) error {
	var over <-chan time.Time
	if length > 0 {
		timer := time.NewTimer(time.Until(t.from.Add(length)))
		defer timer.Stop()
		over = timer.C
	}
	for {
		select {
		case what, ok := <-t.rec.queue:
			if !ok {
				return t.end(t.rec.until, t.rec.why)
			}
			if err := t.write(what); errors.Is(err, source.ErrNoPlace) {
				return t.end(t.until, err.Error())
			} else if err != nil {
				return err
			}
		case <-over:
			t.stop(ctx)
		case <-t.rec.asked:
			t.stop(ctx)
		case <-ctx.Done():
			return errors.New("its reader has gone")
		}
	}
}

// stop ends the recording now; what the engine took in before is still to be written.
func (t *taping) stop(ctx context.Context) {
	select {
	case t.calls <- func() { t.recorders.end(t.engine, t.rec, time.Now(), "") }:
	case <-t.rec.ended: // perhaps because the engine has
	case <-ctx.Done():
	}
}

// write writes what the engine handed on, to the end where nothing else waits.
func (t *taping) write(what any) (err error) {
	var at time.Time
	switch what := what.(type) {
	case bgp.Input:
		at, err = what.When(), t.tape.Put(what)
	case *pictured:
		t.rec.waits.Store(false)
		at, err = what.at, t.picture(what)
	}
	if err != nil {
		return err
	}
	if t.until = at; len(t.rec.queue) > 0 {
		return nil
	}
	return t.flush()
}

// picture writes how all stands.
func (t *taping) picture(p *pictured) error {
	if err := t.tape.Begin(p.at, t.host, t.opts.Version, p.configured); err != nil {
		return err
	}
	for _, r := range p.regs.registered() {
		if err := t.tape.Register(p.at, r); err != nil {
			return err
		}
	}
	p.sorting.Do(p.sort)
	for i := range p.standing {
		if err := t.tape.Stand(p.standing[i]); err != nil {
			return err
		}
	}
	if err := t.tape.Stood(p.at); err != nil {
		return err
	}
	for _, in := range p.troubles {
		if err := t.tape.Put(in); err != nil {
			return err
		}
	}
	return nil
}

func (t *taping) end(until time.Time, why string) error {
	t.ended = why
	if err := t.tape.End(until, why); err != nil {
		return err
	}
	return t.flush()
}

func (t *taping) flush() error {
	if err := t.out.Flush(); err != nil {
		return err
	}
	if err := t.answer.Flush(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
