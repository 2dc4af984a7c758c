package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"peervane/daemon/api"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// letterPage is how many dead letters are held in memory at once.
const letterPage = 500

// letterFilter says which dead letters are meant; the zero value means all.
type letterFilter struct {
	channel, incident, typ string
	ids                    []string        // numbers, or ids of deliveries
	among                  map[string]bool // channels that they are for; nil: any
	left                   int             // how many are for others
}

func letterFilterOf(q url.Values) letterFilter {
	return letterFilter{channel: q.Get("channel"), incident: q.Get("incident"), typ: q.Get("type"), ids: q["id"]}
}

func (f *letterFilter) means(d *notice.Delivery, n *notice.Notice) bool {
	if (f.channel != "" && f.channel != d.Channel) || (f.incident != "" && f.incident != d.Incident) || (f.typ != "" && f.typ != n.Type) ||
		(len(f.ids) > 0 && !slices.Contains(f.ids, d.ID) && !slices.Contains(f.ids, strconv.FormatInt(d.Seq, 10))) {
		return false
	}
	if f.among != nil && !f.among[d.Channel] {
		f.left++
		return false
	}
	return true
}

// letters hands over the dead letters that are meant, a page at a time, oldest first: those that there are now. One that is sent
// again and fails at once is another one.
func (d *Daemon) letters(ctx context.Context, f *letterFilter, each func([]letter) error) error {
	until := d.store.Latest()
	for after := int64(0); ; {
		rows, err := d.store.DeadLetters(ctx, after, letterPage)
		rows = slices.DeleteFunc(rows, func(row notice.Delivery) bool { return row.Seq > until })
		if err != nil || len(rows) == 0 {
			return err
		}
		after = rows[len(rows)-1].Seq
		var meant []letter
		for _, row := range rows {
			n, _ := notice.Parse(row.Body) // of one that cannot be read the rest is told
			if f.means(&row, &n) {
				meant = append(meant, letter{row, n})
			}
		}
		if err := each(meant); err != nil {
			return err
		}
	}
}

type letter struct {
	notice.Delivery
	notice notice.Notice
}

func (d *Daemon) listLetters(w http.ResponseWriter, r *http.Request) {
	all := []api.DeadLetter{}
	f := letterFilterOf(r.URL.Query())
	err := d.letters(r.Context(), &f, func(page []letter) error {
		for _, l := range page {
			all = append(all, api.DeadLetter{
				Number: l.Seq, Delivery: l.ID, Channel: l.Channel, Incident: l.Incident, Type: l.notice.Type,
				Status: l.notice.Status, Severity: l.notice.Severity, Summary: l.notice.Summary,
				CreatedAt: notice.At(l.Created), Attempts: l.Attempts, Error: l.Error,
			})
		}
		return nil
	})
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(all) // the reader is gone: nobody is left to tell
}

// dropLetters forgets dead letters.
func (d *Daemon) dropLetters(w http.ResponseWriter, r *http.Request) {
	d.eachLetter(w, r, letterFilterOf(r.URL.Query()), "dropped", func(_ context.Context, page []letter) store.Batch { return store.Batch{Forget: rowsOf(page)} })
}

// replayLetters puts dead letters into the outbox again, as new deliveries under their old ids, and behind them what has been
// true since. Those for channels that are not configured, or send nothing, stay where they are seen.
func (d *Daemon) replayLetters(w http.ResponseWriter, r *http.Request) {
	f := letterFilterOf(r.URL.Query())
	f.among = map[string]bool{}
	health := d.channels.Health()
	if h := health[f.channel]; h.Useless {
		http.Error(w, fmt.Sprintf("channel %s: %s", f.channel, h.Error), http.StatusServiceUnavailable)
		return
	}
	d.call(r.Context(), func() {
		for _, c := range d.cfg.Channels {
			f.among[c.Name] = !health[c.Name].Useless
		}
	})
	d.eachLetter(w, r, f, "put into the outbox again", func(ctx context.Context, page []letter) store.Batch {
		now := time.Now()
		b := store.Batch{Forget: rowsOf(page)}
		for _, l := range page {
			b.Outbox = append(b.Outbox, notice.Delivery{ID: l.ID, Channel: l.Channel, Incident: l.Incident, Body: l.Body, Created: now})
		}
		b.Outbox = slices.Concat(b.Outbox, d.ends(ctx, page, now), d.standing(ctx, page, now))
		return b
	})
}

func rowsOf(page []letter) []notice.Delivery {
	var rows []notice.Delivery
	for _, l := range page {
		rows = append(rows, l.Delivery)
	}
	return rows
}

// eachLetter does something to the dead letters that are meant, and says to how many.
func (d *Daemon) eachLetter(w http.ResponseWriter, r *http.Request, f letterFilter, done string, what func(context.Context, []letter) store.Batch) {
	if f.channel == "" && f.incident == "" && f.typ == "" && len(f.ids) == 0 && r.URL.Query().Get("all") == "" {
		http.Error(w, "say which dead letters: numbers, a channel, an incident, a type, or all", http.StatusBadRequest)
		return
	}
	d.lettersMu.Lock() // two at once would take the same letter twice
	defer d.lettersMu.Unlock()
	count := 0
	err := d.letters(r.Context(), &f, func(page []letter) error {
		if len(page) == 0 {
			return nil
		}
		d.keep(r.Context(), what(r.Context(), page))
		count += len(page)
		return r.Context().Err()
	})
	d.lookAtChannels()
	if err != nil {
		http.Error(w, fmt.Sprintf("%s %s, and then: %v", plural(count), done, err), http.StatusServiceUnavailable)
		return
	}
	if count == 0 && len(f.ids) > 0 { // who names one means it
		why := "no dead letter has this number"
		if f.among != nil {
			why += ", or its channel is not configured, disabled, or cannot be used"
		}
		http.Error(w, why+": see 'peervane deadletter list'", http.StatusNotFound)
		return
	}
	if r.URL.Query().Has("json") {
		writeJSON(w, api.LettersChanged{Done: done, DeadLetters: count, Left: f.left})
		return
	}
	text := fmt.Sprintf("%s %s", plural(count), done)
	if f.left > 0 {
		text += fmt.Sprintf("; %d left, whose channel is not configured, disabled, or cannot be used", f.left)
	}
	fmt.Fprintln(w, text)
}

func plural(letters int) string {
	if letters == 1 {
		return "1 dead letter"
	}
	return fmt.Sprintf("%d dead letters", letters)
}
