package main

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"peervane/daemon/notice"
)

// ledger is what the receivers of all channels have taken of hijacks, and what is true of these.
type ledger struct {
	mu       sync.Mutex
	channels []audience
	truth    map[netip.Prefix]bool                 // the hijacks: whether each stands
	ids      map[netip.Prefix]map[string]bool      // under which each was told
	told     map[string]map[string][]notice.Notice // by channel and incident, each delivery when it was taken first
	bodies   map[string]string                     // by delivery
	wrong    []string
	attempts int
	fresh    chan struct{}
}

// audience is what a channel must be told.
type audience struct {
	name            string
	nothing, noEnds bool
	unordered       bool // dead letters are replayed behind what came after them
}

func newLedger(channels []audience) *ledger {
	return &ledger{
		channels: channels, truth: map[netip.Prefix]bool{}, ids: map[netip.Prefix]map[string]bool{},
		told: map[string]map[string][]notice.Notice{}, bodies: map[string]string{}, fresh: make(chan struct{}, 1),
	}
}

// stands says what is true from now on of a hijack.
func (l *ledger) stands(p netip.Prefix, yes bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.truth[p] = yes
}

func (l *ledger) take(channel, id string, body []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.attempts++
	n, err := notice.Parse(body)
	switch {
	case err != nil:
		l.wrong = append(l.wrong, fmt.Sprintf("%s: a body that cannot be read: %v", channel, err))
	case id != n.Delivery:
		l.wrong = append(l.wrong, fmt.Sprintf("%s: webhook-id %s, delivery %s", channel, id, n.Delivery))
	case l.bodies[id] != "" && l.bodies[id] != string(body):
		l.wrong = append(l.wrong, fmt.Sprintf("%s: two bodies under webhook-id %s", channel, id))
	}
	l.bodies[id] = string(body)
	if _, hijack := l.truth[n.Offending]; hijack {
		l.enter(channel, n)
	}
	select {
	case l.fresh <- struct{}{}:
	default:
	}
}

func (l *ledger) complain(of string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wrong = append(l.wrong, of)
}

// enter keeps what is told of a hijack the first time. A dead letter that is replayed counts each time: what was told last is
// what the receiver goes by.
func (l *ledger) enter(channel string, n notice.Notice) {
	if l.told[channel] == nil {
		l.told[channel] = map[string][]notice.Notice{}
	}
	of := l.told[channel][n.Incident]
	if last := len(of) - 1; last >= 0 && of[last].Delivery == n.Delivery || !l.unordered(channel) && slices.ContainsFunc(of, func(t notice.Notice) bool { return t.Delivery == n.Delivery }) {
		return
	}
	l.told[channel][n.Incident] = append(of, n)
	if l.ids[n.Offending] == nil {
		l.ids[n.Offending] = map[string]bool{}
	}
	l.ids[n.Offending][n.Incident] = true
}

func (l *ledger) unordered(channel string) bool {
	return slices.ContainsFunc(l.channels, func(a audience) bool { return a.name == channel && a.unordered })
}

// missing says what some channel is still to be told.
func (l *ledger) missing() (out []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, stands := range l.truth {
		if stands && len(l.ids[p]) == 0 {
			out = append(out, fmt.Sprintf("%s was told to nobody", p))
		}
		for id := range l.ids[p] {
			for _, a := range l.channels {
				if lacks := a.lacks(l.told[a.name][id], stands); lacks != "" {
					out = append(out, fmt.Sprintf("%s was not told of %s, incident %s: %s", a.name, p, id, lacks))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

// lacks says what a channel is to be told of an incident beside what it was.
func (a audience) lacks(told []notice.Notice, stands bool) string {
	begun := slices.ContainsFunc(told, func(n notice.Notice) bool { return n.Status != notice.Resolved })
	over := len(told) > 0 && told[len(told)-1].Status == notice.Resolved
	switch {
	case a.nothing:
	case !begun:
		return "that it fires"
	case !stands && !over && !a.noEnds:
		return "that it ended"
	}
	return ""
}

// judge holds all that was taken to what was promised.
func (l *ledger) judge(t *testing.T, when string) {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, wrong := range l.wrong {
		t.Errorf("%s: %s", when, wrong)
	}
	for p, ids := range l.ids {
		if len(ids) > 1 {
			t.Errorf("%s: %s was told under %d ids", when, p, len(ids))
		}
	}
	for _, a := range l.channels {
		for id, told := range l.told[a.name] {
			if wrong := a.disorder(told); wrong != "" {
				t.Errorf("%s: %s, incident %s: %s", when, a.name, id, wrong)
			}
		}
	}
	l.wrong = nil
}

func (a audience) disorder(told []notice.Notice) string {
	for i, n := range told {
		switch {
		case a.nothing:
			return "told to a channel that it is none of the business of"
		case a.noEnds && n.Status == notice.Resolved:
			return "the end was told to a channel that wants none"
		case a.unordered:
		case i == 0 && n.Status == notice.Resolved:
			return "the end was told before anything else"
		case i > 0 && told[i-1].Status == notice.Resolved:
			return "something was told after the end"
		case i > 0 && n.UpdatedAt.Before(told[i-1].UpdatedAt.Time):
			return "told out of order"
		}
	}
	return ""
}
