package daemon

import (
	"net/netip"
	"testing"
	"time"
)

func scopeOf(n byte) scope {
	p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, n, 0, 0}), 16)
	return scope{p, p}
}

func drain(a *agenda) []byte {
	var out []byte
	for s, ok := a.take(); ok; s, ok = a.take() {
		out = append(out, s.reg.Addr().As4()[1])
	}
	return out
}

func TestAgendaJudgesChangesFirst(t *testing.T) {
	var a agenda
	for n := range byte(4) {
		a.review(scopeOf(n))
	}
	a.touch(scopeOf(9))
	a.touch(scopeOf(2)) // waits for review too: judged once
	a.touch(scopeOf(9))
	a.review(scopeOf(9))
	if got, want := string(drain(&a)), string([]byte{9, 2, 0, 1, 3}); got != want {
		t.Errorf("judged %v, want %v", []byte(got), []byte(want))
	}
	a.review(scopeOf(2))
	if got := drain(&a); len(got) != 1 {
		t.Errorf("an empty agenda begins anew, got %v", got)
	}
}

func TestAgendaKeepsTheLatestTime(t *testing.T) {
	var a agenda
	if _, ok := a.next(); ok {
		t.Error("nothing is due on an empty agenda")
	}
	a.at(scopeOf(1), start.Add(time.Minute))
	a.at(scopeOf(2), start.Add(2*time.Minute))
	a.at(scopeOf(1), start.Add(3*time.Minute))
	a.at(scopeOf(3), start.Add(time.Second))
	a.at(scopeOf(3), time.Time{})
	if at, ok := a.next(); !ok || !at.Equal(start.Add(2*time.Minute)) {
		t.Errorf("next at %v", at)
	}
	a.due(start.Add(2 * time.Minute))
	if got := drain(&a); len(got) != 1 || got[0] != 2 {
		t.Errorf("due: %v", got)
	}
	a.due(start.Add(time.Hour))
	if got := drain(&a); len(got) != 1 || got[0] != 1 {
		t.Errorf("due: %v", got)
	}
}
