package daemon

import (
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/incident"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// What an earlier run kept is taken in as of now: a silence that is over holds nothing back, one that is long over is forgotten on the disk, too, and no time lies ahead, as
// it does when the clock was set back.
func TestWhatWasKeptIsOfNow(t *testing.T) {
	s, _ := promising(t)
	now := time.Now()
	var r incident.Record
	r.Open = true
	r.Notice = notice.Notice{Incident: "i1", Type: notice.SubPrefix, StartedAt: notice.At(now), UpdatedAt: notice.At(now)}
	ahead := now.Add(24 * time.Hour)
	r.Told = incident.Told{At: ahead, Lost: ahead}
	r.Flaps, r.Cleared = incident.Flaps{Penalty: 5, At: ahead}, ahead
	r.Bad = []incident.Witness{{Vantage: "edge1", Lost: ahead}}
	silence := func(id string, until time.Time) incident.Silence {
		return incident.Silence{ID: id, Since: now.Add(-time.Hour), Until: until, By: "anna", Why: "work"}
	}
	p := &publisher{store: s, log: zap.NewNop()}
	kept := make(chan error, 1)
	wait := func(b store.Batch) {
		t.Helper()
		b.Urgent = true
		s.Submit(b, func(err error) { kept <- err })
		if err := <-kept; err != nil {
			t.Fatal(err)
		}
	}
	wait(store.Batch{
		Incidents: p.incidents([]incident.Record{r}),
		KV:        silenceRows([]incident.Silence{silence("long over", now.Add(-31*24*time.Hour)), silence("over", now.Add(-time.Minute)), silence("holds", now.Add(time.Hour))}),
	})
	k, err := p.load(t.Context())
	if err != nil || len(k.records) != 1 || len(k.silences) != 1 || k.silences[0].ID != "holds" {
		t.Fatalf("%v, got %+v", err, k)
	}
	got := &k.records[0]
	for what, at := range map[string]time.Time{
		"told": got.Told.At, "loss told": got.Told.Lost, "flaps": got.Flaps.At, "cleared": got.Cleared, "out of sight": got.Bad[0].Lost,
	} {
		if at.IsZero() || at.After(time.Now()) {
			t.Errorf("%s at %s", what, at)
		}
	}
	wait(store.Batch{})
	state, err := s.Load(t.Context())
	if err != nil || len(state.KV) != 2 || state.KV[0].Key != "holds" || state.KV[1].Key != "over" {
		t.Errorf("%v, on the disk are %+v", err, state.KV)
	}
}
