package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/api"
	"peervane/daemon/incident"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// kindSilence is the kind of state under which silences are kept.
const kindSilence = "silence"

// silenceKept is how long one that is over stays on the disk: the clock may be wrong for a while after a start.
const silenceKept = 30 * 24 * time.Hour

// maxSilences bounds what every incident is held against.
const maxSilences = 1000

func silenceRows(silences []incident.Silence) []store.KV {
	var rows []store.KV
	for _, s := range silences {
		value, _ := json.Marshal(s) // texts and times can always be encoded
		rows = append(rows, store.KV{Kind: kindSilence, Key: s.ID, Value: value})
	}
	return rows
}

// silence reads one that was kept; none that is over or cannot be read.
func (p *publisher) silence(kv store.KV) []incident.Silence {
	var s incident.Silence
	if err := json.Unmarshal(kv.Value, &s); err != nil {
		p.log.Error("a silence of the last run cannot be read, going on without it", zap.String("silence", kv.Key), zap.Error(err))
		return nil
	}
	over := time.Since(s.Until)
	if over >= silenceKept {
		p.store.Submit(store.Batch{KV: []store.KV{{Kind: kindSilence, Key: kv.Key}}}, nil)
	}
	if over >= 0 {
		return nil
	}
	return []incident.Silence{s}
}

// addSilence begins a silence. It answers when that is on disk.
func (d *Daemon) addSilence(w http.ResponseWriter, r *http.Request) {
	var s incident.Silence
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&s); err != nil {
		http.Error(w, reasonOf(err), http.StatusBadRequest)
		return
	}
	now := time.Now()
	s.ID, s.Since = randomID("", now, 0), now.UTC().Truncate(time.Second)
	err := s.Check(now)
	alive := d.call(r.Context(), func() {
		if have, _ := d.engine.book.Silences(); err == nil && len(have) >= maxSilences {
			err = fmt.Errorf("there are %d silences already: remove some", len(have))
		}
		if err == nil {
			err = d.engine.book.Silenceable(&s)
		}
		if err == nil {
			d.engine.silence(s, now)
		}
	})
	switch {
	case !alive:
		http.Error(w, "the daemon is stopping", http.StatusServiceUnavailable)
	case errors.Is(err, incident.ErrUnknown):
		http.Error(w, err.Error()+": see 'peervane incidents'", http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		d.keep(r.Context(), store.Batch{KV: silenceRows([]incident.Silence{s}), Urgent: true})
		d.listSilence(w, r, s.ID)
	}
}

// reasonOf leaves out what JSON calls its own.
func reasonOf(err error) string {
	if wrong := (*json.SyntaxError)(nil); errors.As(err, &wrong) {
		return "this is no silence: " + err.Error()
	}
	return err.Error()
}

func (e *engine) silence(s incident.Silence, now time.Time) {
	e.tell(e.book.Silence(s, now), now)
	e.record(event{at: now, typ: "silence", severity: notice.Info, detail: "silence " + s.ID + " " + silenceText(s)})
}

func silenceText(s incident.Silence) string {
	return fmt.Sprintf("%s until %s by %s: %s", matchersText(s.Matchers), s.Until.UTC().Format(time.RFC3339), s.By, s.Why)
}

func matchersText(matchers []incident.Matcher) string {
	text := ""
	for _, m := range matchers {
		text += " " + m.String()
	}
	if text == "" {
		return "of everything"
	}
	return "of" + text
}

// removeSilence ends a silence before its time.
func (d *Daemon) removeSilence(w http.ResponseWriter, r *http.Request) {
	id, by := r.URL.Query().Get("id"), r.URL.Query().Get("by")
	found := false
	if !d.call(r.Context(), func() { found = d.engine.unsilence(id, by, time.Now()) }) {
		http.Error(w, "the daemon is stopping", http.StatusServiceUnavailable)
		return
	}
	if !found {
		http.Error(w, fmt.Sprintf("there is no silence %q: see 'peervane silence list'", id), http.StatusNotFound)
		return
	}
	d.keep(r.Context(), store.Batch{KV: []store.KV{{Kind: kindSilence, Key: id}}, Urgent: true})
	writeJSON(w, struct {
		Removed string `json:"removed"`
	}{id})
}

func (e *engine) unsilence(id, by string, now time.Time) bool {
	notices, found := e.book.Unsilence(id, now)
	e.tell(notices, now)
	if found {
		e.record(event{at: now, typ: "silence_removed", severity: notice.Info, detail: "silence " + id + " removed by " + by})
	}
	return found
}

func (d *Daemon) listSilences(w http.ResponseWriter, r *http.Request) { d.listSilence(w, r, "") }

// listSilence shows one silence, or, without an id, all.
func (d *Daemon) listSilence(w http.ResponseWriter, r *http.Request, id string) {
	var silences []incident.Silence
	var counts []int
	if !d.call(r.Context(), func() { silences, counts = d.engine.book.Silences() }) {
		http.Error(w, "the daemon is stopping", http.StatusServiceUnavailable)
		return
	}
	all := []api.Silence{}
	for i, s := range silences {
		shown := api.Silence{ID: s.ID, Matchers: []string{}, Since: notice.At(s.Since), Until: notice.At(s.Until), By: s.By, Why: s.Why, Incidents: counts[i]}
		for _, m := range s.Matchers {
			shown.Matchers = append(shown.Matchers, m.String())
		}
		if id == s.ID {
			writeJSON(w, shown)
			return
		}
		all = append(all, shown)
	}
	writeJSON(w, all)
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the reader is gone: nobody is left to tell
}

// acknowledge keeps who works at an incident. It answers when that is on disk.
func (d *Daemon) acknowledge(w http.ResponseWriter, r *http.Request) {
	q, now := r.URL.Query(), time.Now()
	id, a := q.Get("id"), incident.Ack{By: q.Get("by"), At: now.UTC().Truncate(time.Second), Comment: q.Get("comment")}
	if a.By == "" || len(a.By) > 256 || len(a.Comment) > 1024 {
		http.Error(w, "say by whom, and why in up to 1024 bytes", http.StatusBadRequest)
		return
	}
	var shown api.Incident
	err := errors.New("the daemon is stopping")
	d.call(r.Context(), func() {
		if err = d.engine.acknowledge(id, a, now); err == nil {
			shown = d.shown(d.engine.book.Teller(id))
		}
	})
	switch {
	case errors.Is(err, incident.ErrUnknown):
		http.Error(w, err.Error()+": see 'peervane incidents'", http.StatusNotFound)
	case err != nil:
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
	default:
		d.call(r.Context(), func() {})                 // before it takes this the engine hands over the incident
		d.keep(r.Context(), store.Batch{Urgent: true}) // behind that
		writeJSON(w, shown)
	}
}

func (e *engine) acknowledge(id string, a incident.Ack, now time.Time) error {
	notices, err := e.book.Ack(id, a, now)
	if err != nil {
		return err
	}
	e.tell(notices, now)
	rec := e.book.Teller(id)
	if rec == nil { // it flapped, was gone, and is found to be steady just now
		return fmt.Errorf("%s: %w", id, incident.ErrUnknown)
	}
	n := &rec.Notice
	e.record(event{at: now, typ: "ack", severity: notice.Info, prefix: n.Prefix, peer: n.Peer, pop: n.POP, detail: a.Event(id)})
	return nil
}
