package daemon

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// lettered is a daemon with dead letters, of which only the store runs.
func lettered(t *testing.T, incidents []store.Incident, rows []notice.Delivery) *Daemon {
	t.Helper()
	cfg := quiet(t)
	cfg.Channels = []config.Channel{{Name: "noc", Kind: "webhook"}, {Name: "pager", Kind: "webhook", Resolve: true}}
	d := New(cfg, Options{Log: zap.NewNop()})
	if err := d.openStore(); err != nil {
		t.Fatal(err)
	}
	stages := newStages()
	stages.start(t.Context(), d.store.Run)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for f := range d.calls {
			f()
		}
	}()
	t.Cleanup(func() {
		stages.stop()
		close(d.calls)
		<-ended
	})
	d.keep(t.Context(), store.Batch{Incidents: incidents, Outbox: rows})
	d.die(t, rows)
	return d
}

// die makes dead letters of deliveries.
func (d *Daemon) die(t *testing.T, rows []notice.Delivery) {
	for _, row := range rows {
		row.State, row.Error = notice.Dead, "answered 400"
		d.store.Record(row)
	}
	d.keep(t.Context(), store.Batch{Urgent: true})
}

func refused(t *testing.T, channel, incident string) notice.Delivery {
	t.Helper()
	n := notice.Notice{Delivery: "of " + incident, Incident: incident, Status: notice.Firing, Type: notice.SubPrefix}
	body, err := n.Body()
	if err != nil {
		t.Fatal(err)
	}
	return notice.Delivery{ID: n.Delivery, Channel: channel, Incident: incident, Body: body, Created: time.Now()}
}

// A dead letter that fails again at once is not sent a third time by the same command.
func TestLettersAreReplayedOnce(t *testing.T) {
	var rows []notice.Delivery
	for i := range 3 {
		rows = append(rows, refused(t, "pager", fmt.Sprint("i", i)))
	}
	d := lettered(t, nil, rows)
	count := 0
	err := d.letters(t.Context(), &letterFilter{}, func(page []letter) error {
		if count += len(page); count > len(rows) {
			return fmt.Errorf("%d were replayed of %d", count, len(rows))
		}
		again := rowsOf(page)
		for i := range again {
			again[i].State = notice.Pending
		}
		d.keep(t.Context(), store.Batch{Forget: rowsOf(page), Outbox: again})
		d.die(t, again)
		return nil
	})
	if err != nil || count != len(rows) {
		t.Errorf("%d of %d: %v", count, len(rows), err)
	}
}

// The end of what is over meanwhile is told behind a dead letter, but to nobody who wants no ends; what is for a channel that
// is not configured stays among the dead letters.
func TestReplayedLettersAndTheirEnds(t *testing.T) {
	end := notice.Notice{Incident: "i1", Status: notice.Resolved, Type: notice.SubPrefix}
	body, err := end.Body()
	if err != nil {
		t.Fatal(err)
	}
	d := lettered(t, []store.Incident{{
		ID: "i1", Fingerprint: "f", Type: notice.SubPrefix, Status: notice.Resolved, Severity: notice.Critical,
		Started: time.Now(), Updated: time.Now(), Resolved: time.Now(), Told: notice.Told{"noc": false, "pager": true, "former": true},
		Encode: func() ([]byte, []byte, bool) { return body, []byte("{}"), true },
	}}, []notice.Delivery{refused(t, "noc", "i1"), refused(t, "pager", "i1"), refused(t, "former", "i1")})

	replay := func(query, said string, code int) {
		t.Helper()
		w := httptest.NewRecorder()
		d.replayLetters(w, httptest.NewRequest(http.MethodPost, "/deadletter/replay?"+query, nil))
		if w.Body.String() != said || w.Code != code {
			t.Errorf("%s: %d, %s", query, w.Code, w.Body)
		}
	}
	replay("all=yes", "2 dead letters put into the outbox again; 1 left, whose channel is not configured, disabled, or cannot be used\n", http.StatusOK)
	replay("id=of+i1", "no dead letter has this number, or its channel is not configured, disabled, or cannot be used: see 'peervane deadletter list'\n", http.StatusNotFound)

	rows, err := d.store.Unfinished(t.Context(), "i1")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, row := range rows {
		n, err := notice.Parse(row.Body)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprint(row.Channel, " ", n.Status, " dead ", row.State == notice.Dead))
	}
	slices.Sort(got)
	if want := []string{"former firing dead true", "noc firing dead false", "pager firing dead false", "pager resolved dead false"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// What is for a channel that answered 410 stays among the dead letters: sent again it would be there at once.
func TestLettersForADisabledChannelStay(t *testing.T) {
	gone := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) }))
	defer gone.Close()
	d := lettered(t, nil, []notice.Delivery{refused(t, "noc", "i1")})
	channels := []config.Channel{{Name: "noc", Kind: "webhook", URL: config.NewURL(gone.URL, false), AllowPrivate: true, MinSeverity: "info"}}
	d.channels.SetChannels(channels)
	stages := newStages()
	stages.start(t.Context(), d.channels.Run)
	defer stages.stop()
	d.keep(t.Context(), store.Batch{Outbox: []notice.Delivery{refused(t, "noc", "i2")}, Urgent: true})
	d.channels.Reread()
	for begun := time.Now(); !d.channels.Health()["noc"].Useless; time.Sleep(time.Millisecond) {
		if time.Since(begun) > 10*time.Second {
			t.Fatal("a channel that answers 410 is not disabled")
		}
	}
	for query, want := range map[string]string{
		"channel=noc": "channel noc: answered 410 Gone: nothing is sent until the channel's configuration changes\n",
		"all=yes":     "0 dead letters put into the outbox again; ", // and how many are left: the second may be on its way
	} {
		w := httptest.NewRecorder()
		d.replayLetters(w, httptest.NewRequest(http.MethodPost, "/deadletter/replay?"+query, nil))
		if !strings.HasPrefix(w.Body.String(), want) {
			t.Errorf("%s: %d, %s", query, w.Code, w.Body)
		}
	}
}

// What stands is told behind dead letters that are older: to a receiver that knows a condition by its fingerprint, the end of an
// earlier incident of it would end the one that stands, and what an incident was is not what it is.
func TestReplayedLettersAndWhatStands(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	told := func(incident, fingerprint string, status notice.Status, severity notice.Severity, minutes int) notice.Notice {
		n := notice.Notice{
			Delivery: fmt.Sprint(incident, status, minutes), Incident: incident, Fingerprint: fingerprint, Status: status, Type: notice.SubPrefix,
			Severity: severity, UpdatedAt: notice.At(at.Add(time.Duration(minutes) * time.Minute)),
		}
		if status == notice.Resolved {
			n.ResolvedAt = n.UpdatedAt
		}
		return n
	}
	kept := func(n notice.Notice, channels ...string) store.Incident {
		to := notice.Told{}
		for _, c := range channels {
			to[c] = true
		}
		return store.Incident{
			ID: n.Incident, Fingerprint: n.Fingerprint, Type: n.Type, Status: n.Status, Severity: n.Severity, Started: at, Updated: n.UpdatedAt.Time,
			Resolved: n.ResolvedAt.Time, Told: to, Encode: func() ([]byte, []byte, bool) { body, err := n.Body(); return body, []byte("{}"), err == nil },
		}
	}
	letter := func(n notice.Notice) notice.Delivery {
		body, err := n.Body()
		if err != nil {
			t.Fatal(err)
		}
		return notice.Delivery{ID: n.Delivery, Channel: "pager", Incident: n.Incident, Body: body, Created: at}
	}
	d := lettered(t, []store.Incident{
		kept(told("ended", "back", notice.Resolved, notice.Critical, 2), "pager"),
		kept(told("stands", "back", notice.Firing, notice.Critical, 3), "pager"),
		kept(told("rose", "rose", notice.Updated, notice.Critical, 2), "pager"),
		kept(told("same", "same", notice.Updated, notice.Critical, 1), "pager"),
		kept(told("others", "others", notice.Updated, notice.Critical, 2), "noc"),
		kept(told("mute", "group", notice.Resolved, notice.Critical, 2), "pager"),
		kept(told("member", "group", notice.Firing, notice.Critical, 3)), // a group tells of it
	}, []notice.Delivery{
		letter(told("ended", "back", notice.Firing, notice.Critical, 1)),
		letter(told("rose", "rose", notice.Firing, notice.Warning, 1)),
		letter(told("same", "same", notice.Firing, notice.Warning, 0)),
		letter(told("same", "same", notice.Updated, notice.Critical, 1)),
		letter(told("others", "others", notice.Firing, notice.Warning, 1)),
		letter(told("mute", "group", notice.Firing, notice.Critical, 1)),
	})
	d.replayLetters(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/deadletter/replay?all=yes", nil))
	rows, err := d.store.Pending(t.Context(), "pager", 0, 100)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{} // by fingerprint, in order
	for _, row := range rows {
		n, err := notice.Parse(row.Body)
		if err != nil || n.Delivery != row.ID || n.Incident != row.Incident {
			t.Fatalf("%v: %s as %s", err, row.Body, row.ID)
		}
		got[n.Fingerprint] = append(got[n.Fingerprint], strings.TrimSpace(fmt.Sprint(n.Incident, " ", n.Status, " ", n.Severity, " ", n.Reason)))
	}
	for fingerprint, want := range map[string][]string{
		"back":   {"ended firing critical", "ended resolved critical", "stands updated critical replayed"},
		"rose":   {"rose firing warning", "rose updated critical replayed"},
		"same":   {"same firing warning", "same updated critical"},
		"others": {"others firing warning"},
		"group":  {"mute firing critical", "mute resolved critical"},
	} {
		if !slices.Equal(got[fingerprint], want) {
			t.Errorf("%s: told %q, want %q", fingerprint, got[fingerprint], want)
		}
	}
}

// Letters that nobody takes are not passed over in silence.
func TestLettersThatAreLeftAreTold(t *testing.T) {
	d := lettered(t, nil, []notice.Delivery{
		{ID: "a", Channel: "pager", Body: []byte("{}"), Created: time.Now()}, {ID: "b", Channel: "gone", Body: []byte("{}"), Created: time.Now()},
	})
	w := httptest.NewRecorder()
	d.replayLetters(w, httptest.NewRequest(http.MethodPost, "/deadletter/replay?all=yes", nil))
	if got, want := w.Body.String(), "1 dead letter put into the outbox again; 1 left, whose channel is not configured, disabled, or cannot be used\n"; got != want {
		t.Errorf("it says %q", got)
	}
}
