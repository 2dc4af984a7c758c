package detect

import (
	"fmt"
	"strings"
	"time"

	"peervane/bgp"
)

const (
	endOfRIBHold = 10 * time.Minute // the marker should come long before

	// A history is long enough to judge by once it has so many changes over so long a time.
	historyChanges = 100
	historyTime    = 24 * time.Hour

	silenceFactor = 10               // far longer than the longest silence in the history
	silenceLeast  = 30 * time.Minute // and so long at least

	feedInterval = 5 * time.Minute // how often it is asked whether a silent feed goes on
)

// Activity is how a vantage's changes are spread over time, as far as we are told of them. The zero value is no history.
type Activity struct {
	Last    time.Time     // the latest change, or the session's rise
	began   time.Time     // of the history that is being gathered
	changes int           // in it
	longest time.Duration // the longest silence in it
	past    time.Duration // the same of the one before; 0: there is none yet
}

// Rise begins a session: how long there was none is no silence.
func (a *Activity) Rise(at time.Time) { a.Last = at }

// Note takes in a change, and says whether with it the history has become one to judge by.
func (a *Activity) Note(at time.Time) (judgeable bool) {
	if a.began.IsZero() {
		a.began = at
	}
	if !a.Last.IsZero() {
		a.longest = max(a.longest, at.Sub(a.Last))
	}
	if at.After(a.Last) {
		a.Last = at
	}
	a.changes++
	if a.changes < historyChanges || at.Sub(a.began) < historyTime {
		return false
	}
	a.past, a.longest, a.began, a.changes = max(a.longest, 1), 0, at, 0
	return true
}

// silence is the longest that the history knows; 0: there is too little of it.
func (a *Activity) silence() time.Duration {
	if a.past == 0 {
		return 0
	}
	return max(a.past, a.longest)
}

// feedStale: a vantage is connected but blind: its first table never ends, or it has been silent for far longer than its
// history makes likely. A collector's peer is compared with its feed, since a feed that is silent as a whole blames none.
func feedStale(p *Peer, now time.Time) (f *bgp.Finding, recheck time.Time) {
	if !p.Established {
		return nil, time.Time{}
	}
	stale := func(since time.Time, hold time.Duration, what string) *bgp.Finding {
		return &bgp.Finding{
			Type: "feed_stale", Severity: warning, Since: since, Hold: hold, Bad: []string{p.Name}, Total: 1,
			Summary: fmt.Sprintf("%s is connected but blind: %s", p, what),
		}
	}
	if len(p.Due) > 0 {
		return stale(p.Since, endOfRIBHold, fmt.Sprintf("no End-of-RIB for %s since %s", familyNames(p.Due), clock(p.Since))), time.Time{}
	}
	silence := p.Activity.silence()
	if silence == 0 {
		return nil, time.Time{}
	}
	due := p.Activity.Last.Add(max(silenceFactor*silence, silenceLeast))
	if now.Before(due) {
		return nil, due
	}
	if p.Foreign && p.FeedLast.Before(due) {
		return nil, now.Add(feedInterval)
	}
	return stale(p.Activity.Last, 0, fmt.Sprintf("no change since %s, before that never for longer than %s",
		clock(p.Activity.Last), silence.Round(time.Second))), time.Time{}
}

func clock(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

func familyNames(families []bgp.Family) string {
	names := make([]string, len(families))
	for i, f := range families {
		names[i] = f.String()
	}
	return strings.Join(names, " and ")
}
