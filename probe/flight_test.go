package probe

import (
	"net/netip"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSequenceWrapsPastFlightsThatAreOver(t *testing.T) {
	table := newFlights(65_000)
	r := &round{}
	for n := range 65_536 {
		f := &flight{expires: time.Hour}
		if n < 10 {
			f.round = r // still waits
		}
		expect(t, table.add(f), true)
	}
	expect(t, table.add(&flight{}), false)
	for _, f := range table.bySeq {
		f.round = nil
	}
	last := &flight{expires: time.Hour}
	expect(t, table.add(last), true)
	expect(t, last.seq, uint16(65_000))
	expect(t, len(table.bySeq), 65_536)
}

// TestFlightsAgainstAList holds the table to a plain list of what was added:
// what has not expired is found, and nothing else is kept.
func TestFlightsAgainstAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := newFlights(uint16(rapid.IntRange(0, 65_535).Draw(t, "first")))
		var list []*flight
		now := time.Duration(0)
		for n := range rapid.IntRange(1, 200).Draw(t, "steps") {
			now += time.Duration(rapid.IntRange(0, 20).Draw(t, "passes"))
			table.sweep(now)
			f := &flight{expires: now + 100}
			if !table.add(f) {
				t.Fatal("no room")
			}
			table.expectStamp(f, uint32(n))
			list = append(list, f)
			live := 0
			for key, f := range list {
				if f.expires <= now {
					continue
				}
				live++
				if table.bySeq[f.seq] != f || table.byKey[uint32(key)] != f {
					t.Fatalf("flight %d is not found", key)
				}
			}
			if len(table.bySeq) != live || len(table.byKey) != live || len(table.queue) != live {
				t.Fatalf("%d flights kept, %d are live", len(table.bySeq), live)
			}
		}
	})
}

func TestOnlyAGenuineAnswerMatches(t *testing.T) {
	f := &flight{addr: netip.MustParseAddr("fe80::1%eth0")}
	copy(f.cookie[:], cookie)
	expect(t, f.matches(netip.MustParseAddr("fe80::1"), cookie), true)
	expect(t, f.matches(netip.MustParseAddr("fe80::2"), cookie), false)
	expect(t, f.matches(netip.MustParseAddr("fe80::1"), cookie[:15]), false)
	expect(t, f.matches(netip.MustParseAddr("fe80::1"), append(cookie[:15:15], 0)), false)
	to := netip.MustParseAddr("fe80::1")
	expect(t, f.quotedIn(to, nil), true)
	expect(t, f.quotedIn(to, cookie[:8]), true)
	expect(t, f.quotedIn(to, []byte("other")), false)
	expect(t, f.quotedIn(to.Next(), nil), false)
}

func TestSocketDropsClaimNoMoreLossesThanThereWere(t *testing.T) {
	at := func(drops ...uint32) *round {
		r := &round{}
		for i, d := range drops {
			r.flights = append(r.flights, &flight{drops: d})
			r.outcomes = append(r.outcomes, Outcome{Seq: i})
		}
		return r
	}
	count := func(r *round) (n int) {
		for _, o := range r.outcomes {
			if o.Kind.String() == "local_drop" {
				n++
			}
		}
		return n
	}
	r := at(0, 0, 0)
	expect(t, r.blameSocket(0, 0), uint32(0))
	expect(t, count(r), 0)

	r = at(0, 0, 0)
	claimed := r.blameSocket(2, 0)
	expect(t, count(r), 2)
	other := at(0, 0)
	expect(t, other.blameSocket(2, claimed), uint32(2)) // both are claimed already
	expect(t, count(other), 0)

	later := at(5, 5) // sent after five drops that nobody claimed
	later.blameSocket(6, claimed)
	expect(t, count(later), 1)
}
