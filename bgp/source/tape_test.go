package source

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
	"peervane/bgp/wire"
)

// tapeOf writes a tape of two vantages that stood and of what they tell, one of each kind, at times with nanoseconds.
func tapeOf(t testing.TB, put ...bgp.Input) []byte {
	t.Helper()
	var b bytes.Buffer
	w := NewTapeWriter(&b)
	check := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	check(w.Begin(t0, "host7", "1.0", 2))
	for _, r := range tapeRegistered {
		check(w.Register(t0, r))
	}
	for _, s := range tapeStanding {
		check(w.Stand(s))
	}
	check(w.Stood(t0))
	for _, in := range put {
		check(w.Put(in))
	}
	check(w.End(t0.Add(time.Hour), ""))
	return b.Bytes()
}

var (
	tapeV4 = &bgp.Vantage{Name: "edge1-v4", Addr: netip.MustParseAddr("192.0.2.1"), ASN: 64500, LocalASN: 64512, Relationship: bgp.Provider, Relived: true}
	tapeV6 = &bgp.Vantage{Name: "edge2", Addr: netip.MustParseAddr("fe80::1%eth0"), ASN: 4200000000, LocalASN: 64512, Relationship: bgp.RSClient, Relived: true}
	tapeOn = &bgp.Vantage{Name: "ris/x", Collector: "ris", ASN: 64500, Relived: true}
)

func tapeAttrs(hop string, asns ...uint32) *bgp.Attrs {
	a := &bgp.Attrs{Path: bgp.Sequence(asns...), Communities: []bgp.Community{1, 2}, HasOTC: true, OTC: 64500, HasLocalPref: true, LocalPref: 120}
	if hop != "" {
		a.NextHop = netip.MustParseAddr(hop)
	}
	return a
}

func ago(d time.Duration) time.Time { return t0.Add(-d) }

var tapeRegistered = []bgp.Registered{
	{Born: 1, Prefixes: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}},
	{Born: 2, Prefixes: []netip.Prefix{netip.MustParsePrefix("0.0.0.0/0")}},
}

var tapeStanding = []bgp.Standing{
	{
		Vantage: tapeV4, At: t0, Active: true, Up: true, WasUp: true, EndOfRIBDue: true, Since: ago(time.Hour),
		Families: [bgp.NumFamilies]bgp.StandingFamily{
			{Spoken: true, Synced: true, Since: ago(time.Minute), AddPath: true, Whole: 2}, {Spoken: true, Kept: true},
		},
		Held: []bgp.Held{
			{Prefix: netip.MustParsePrefix("203.0.113.0/24"), PathID: 7, Attrs: tapeAttrs("192.0.2.1", 64500, 64496), Since: ago(1500 * time.Microsecond)},
			{Prefix: netip.MustParsePrefix("203.0.113.0/25"), Since: ago(time.Second)},
			{Prefix: netip.MustParsePrefix("2001:db8::/32"), Attrs: tapeAttrs("2001:db8::1", 64500), Since: ago(time.Second)},
		},
		More: true,
	},
	{Vantage: tapeV6, At: t0, Dynamic: true, Since: ago(time.Second), Reason: "hold timer expired"},
}

// tapeInputs holds one of each kind.
var tapeInputs = []bgp.Input{
	bgp.Change{Vantage: tapeV4, Prefix: netip.MustParsePrefix("203.0.113.0/24"), PathID: 7, Attrs: tapeAttrs("192.0.2.9", 64500, 64510), At: t0.Add(3 * time.Microsecond), First: t0, Announced: 3, Withdrawn: 2, PathChanges: 1, Cause: bgp.Refreshed},
	bgp.Change{Vantage: tapeV4, Prefix: netip.MustParsePrefix("203.0.113.0/24"), PathID: 7, At: t0.Add(time.Second), First: t0.Add(time.Second), Withdrawn: 1, Cause: bgp.Swept},
	bgp.SessionDown{Vantage: tapeV4, At: t0.Add(2 * time.Second), Reason: "Ünruhe", Kept: []bgp.Family{bgp.IPv6}},
	bgp.StaleLost{Vantage: tapeV4, At: t0.Add(3 * time.Second), Family: bgp.IPv6},
	bgp.Awaited{Vantage: tapeV6, At: t0.Add(3 * time.Second), Dynamic: true},
	bgp.SessionUp{Vantage: tapeV6, At: t0.Add(4 * time.Second), Families: bgp.Families[:], AddPath: [bgp.NumFamilies]bool{false, true}, EndOfRIBDue: true},
	bgp.Change{Vantage: tapeV6, Prefix: netip.MustParsePrefix("2001:db8::/48"), Attrs: tapeAttrs("fe80::2", 4200000000), At: t0.Add(4 * time.Second), First: t0.Add(4 * time.Second), Announced: 1, Cause: bgp.Initial},
	bgp.Change{Vantage: tapeV6, Prefix: netip.MustParsePrefix("198.51.100.0/24"), Attrs: tapeAttrs("2001:db8::2", 4200000000), At: t0.Add(4 * time.Second), First: t0.Add(4 * time.Second), Announced: 1},
	bgp.Change{Vantage: tapeV6, Prefix: netip.MustParsePrefix("198.51.100.0/24"), Attrs: tapeAttrs("", 4200000000), At: t0.Add(4 * time.Second), First: t0.Add(4 * time.Second), Announced: 1},
	bgp.EndOfRIB{Vantage: tapeV6, At: t0.Add(5 * time.Second), Family: bgp.IPv6},
	bgp.EndOfRIB{Vantage: tapeV6, At: t0.Add(5 * time.Second), Family: bgp.IPv4},
	bgp.LimitExceeded{Vantage: tapeV6, At: t0.Add(6 * time.Second), Exceeded: true, Prefixes: 11, Limit: 10},
	bgp.TableDropped{Vantage: tapeV6, At: t0.Add(7 * time.Second), Family: bgp.IPv6, Dropped: true, Before: 100, Routes: 70},
	bgp.LeakedTable{
		Vantage: tapeV6, At: t0.Add(8 * time.Second), Exceeded: true, Routes: 60, Leakers: 2, By: 50,
		Leak:     bgp.Leak{Leaker: 64501, Type: 1, Methods: []string{"tier1"}, Reasons: []string{"why"}, Turn: "AS1 -> AS2"},
		Examples: []bgp.Seen{{Vantage: tapeV6, Prefix: netip.MustParsePrefix("192.0.2.0/24"), PathID: 1, Attrs: tapeAttrs("192.0.2.1", 1, 2), Since: t0}},
	},
	bgp.SessionUp{Vantage: tapeOn, At: t0.Add(9 * time.Second), Families: bgp.Families[:1], Recorded: true},
	bgp.Gone{Vantage: tapeV6, At: t0.Add(10 * time.Second)},
}

// later moves an input by less than a tape can tell.
func later(in bgp.Input) bgp.Input {
	v := reflect.New(reflect.TypeOf(in)).Elem()
	v.Set(reflect.ValueOf(in))
	v.FieldByName("At").Set(reflect.ValueOf(in.When().Add(999)))
	return v.Interface().(bgp.Input)
}

func playTape(t testing.TB, tape []byte) replayed {
	t.Helper()
	name := filepath.Join(t.TempDir(), "tape")
	if err := os.WriteFile(name, tape, 0o600); err != nil {
		t.Fatal(err)
	}
	return replayFiles(t, nil, name)
}

// A tape gives back what was put in, all of it, to the microsecond.
func TestTape(t *testing.T) {
	var put []bgp.Input
	for _, in := range tapeInputs {
		put = append(put, later(in))
	}
	r := playTape(t, tapeOf(t, put...))
	if len(r.bad) > 0 || r.end != nil || r.stats.Bad > 0 {
		t.Fatal(r.bad, r.end, r.stats.Bad)
	}
	var want []bgp.Input
	for _, s := range tapeStanding {
		want = append(want, s)
	}
	want = append(want, tapeInputs...)
	if len(r.inputs) != len(want) {
		t.Fatalf("%d inputs, want %d", len(r.inputs), len(want))
	}
	for i := range want {
		if got, want := spell(r.inputs[i]), spell(want[i]); got != want {
			t.Errorf("read\n%s\nwant\n%s", got, want)
		}
	}
	if !r.stats.Last.Equal(t0.Add(time.Hour)) || !r.stats.First.Equal(t0) {
		t.Errorf("from %v to %v", r.stats.First, r.stats.Last)
	}
}

// spell prints all that an input says, what it points to as well.
func spell(in bgp.Input) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%T of %+v: ", in, *in.Of())
	v := reflect.ValueOf(in)
	for i := range v.NumField() {
		switch x := v.Field(i).Interface().(type) {
		case *bgp.Vantage:
		case *bgp.Attrs:
			fmt.Fprintf(&b, "%s ", spellAttrs(x))
		case []bgp.Held:
			for _, h := range x {
				fmt.Fprintf(&b, "%v %d %s %v; ", h.Prefix, h.PathID, spellAttrs(h.Attrs), h.Since)
			}
		case []bgp.Seen:
			for _, s := range x {
				fmt.Fprintf(&b, "%v %d %s %v; ", s.Prefix, s.PathID, spellAttrs(s.Attrs), s.Since)
			}
		default:
			fmt.Fprintf(&b, "%s %+v, ", v.Type().Field(i).Name, x)
		}
	}
	return b.String()
}

func spellAll(list []bgp.Input) (out []string) {
	for _, in := range list {
		out = append(out, spell(in))
	}
	return out
}

func spellAttrs(a *bgp.Attrs) string {
	if a == nil {
		return "gone"
	}
	plain := *a
	plain.Path = nil
	return fmt.Sprintf("%+v by %s", plain, a.Path)
}

// Wherever a tape is cut, what is read of it is what the whole one says, as far as it goes; and a copy of it is whole.
func TestTapeCut(t *testing.T) {
	tape := tapeOf(t, tapeInputs...)
	whole := playTape(t, tape)
	for _, n := range cuts(tape) {
		r := playTape(t, tape[:n])
		if !isBeginning(r.inputs, whole.inputs) {
			t.Fatalf("cut at %d it tells %s", n, r.told())
		}
		var copied bytes.Buffer
		said, err := CopyTape(&copied, bytes.NewReader(tape[:n]))
		if !errors.Is(err, ErrBrokenOff) || said.Ended {
			t.Fatalf("cut at %d: %+v, %v", n, said, err)
		}
		if c := playTape(t, copied.Bytes()); c.stats.Bad > 0 || c.end != nil || !isBeginning(c.inputs, r.inputs) || len(c.inputs) < len(r.inputs) {
			t.Fatalf("a copy, cut at %d: %v, %v", n, c.bad, c.end)
		}
	}
	var copied bytes.Buffer
	said, err := CopyTape(&copied, bytes.NewReader(tape))
	if err != nil || !said.Ended || said.Vantages != 3 || !said.Until.Equal(t0.Add(time.Hour)) || !bytes.Equal(copied.Bytes(), tape) {
		t.Errorf("%+v, %v", said, err)
	}
}

// cuts are those at, before, in and behind the edges of records.
func cuts(tape []byte) (at []int) {
	edge := 0
	for _, r := range tapeRecords(tape) {
		at = append(at, edge, edge+1, edge+mrtHeaderLen, edge+len(r)/2, edge+len(r)-1)
		edge += len(r)
	}
	return at
}

func isBeginning(some, all []bgp.Input) bool {
	if len(some) > len(all) {
		return false
	}
	for i := range some {
		if spell(some[i]) != spell(all[i]) {
			return false
		}
	}
	return true
}

// tapeRecords cuts a tape into its records.
func tapeRecords(tape []byte) (records [][]byte) {
	for len(tape) > 0 {
		n := mrtHeaderLen + int(binary.BigEndian.Uint32(tape[8:]))
		records = append(records, bytes.Clone(tape[:n]))
		tape = tape[n:]
	}
	return records
}

// A record that is not as it must be is told with its place, counted and left out, and the rest stands.
func TestTapeDamaged(t *testing.T) {
	change := tapeInputs[0]
	tape := tapeRecords(tapeOf(t, change, tapeInputs[1]))
	last := len(tape) - 1 // ended; before it two changes, of two records each
	at := func(i int, edit func([]byte) []byte) [][]byte {
		damaged := append([][]byte(nil), tape...)
		damaged[i] = edit(bytes.Clone(damaged[i]))
		if damaged[i] == nil {
			return append(damaged[:i], damaged[i+1:]...)
		}
		binary.BigEndian.PutUint32(damaged[i][8:], uint32(len(damaged[i])-mrtHeaderLen))
		return damaged
	}
	drop := func([]byte) []byte { return nil }
	var marker TapeWriter
	marker.message(tapeV4, t0, true, wire.AppendEndOfRIB(nil, bgp.IPv4))
	body := mrtHeaderLen + 4 + len(tapeMagic) // where the version stands
	for _, c := range []struct {
		name, says string
		bad, told  int
		records    [][]byte
	}{
		{"a newer version", "note of version 2, this peervane knows 1", 2, 3, at(last-4, func(b []byte) []byte { b[body] = 2; return b })},
		{"an unknown kind", "note of the unknown kind 99", 2, 3, at(last-4, func(b []byte) []byte { b[7] = 99; return b })},
		{"a note too short", "note is cut short", 2, 3, at(last-4, func(b []byte) []byte { return b[:len(b)-1] })},
		{"a note too long", "note with 1 octets left over", 2, 3, at(last-4, func(b []byte) []byte { return append(b, 0) })},
		{"an unknown cause", "a cause 9 of a change", 2, 3, at(last-4, func(b []byte) []byte { b[body+5] = 9; return b })},
		{"an unknown vantage", "vantage number 9, which nobody has", 2, 3, at(last-4, func(b []byte) []byte { b[body+4] = 9; return b })},
		{"a note alone", "the record is missing that belongs to the note before", 1, 3, at(last-3, drop)},
		{"a record alone", "the note is missing that says whose record this is", 1, 3, at(last-4, drop)},
		{"another peer", "the note before belongs to another record", 1, 3, at(last-3, func(b []byte) []byte { b[mrtHeaderLen+4+3]++; return b })},
		{"another kind of record", "the note before belongs to another record", 1, 3, at(last-3, func([]byte) []byte { return tape[5] })},
		{"not one route", "an UPDATE of a tape holds one route", 1, 3, at(last-1, func([]byte) []byte { return marker.buf })},
		{"a number twice", "vantage number 0, where 1 is the next", 3, 3, at(12, func([]byte) []byte { return tape[3] })},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := playTape(t, bytes.Join(c.records, nil))
			if r.stats.Bad != c.bad || r.end != nil || len(r.inputs) != c.told {
				t.Errorf("%d bad records, %d inputs, %v: %v", r.stats.Bad, len(r.inputs), r.end, r.bad)
			}
			if len(r.bad) == 0 || !strings.Contains(r.bad[0].Error(), c.says) || !strings.Contains(r.bad[0].Error(), "offset ") {
				t.Errorf("%v", r.bad)
			}
		})
	}
}

// Why a recording ended early, and that it has no end, is told.
func TestTapeEnds(t *testing.T) {
	var b bytes.Buffer
	w := NewTapeWriter(&b)
	if err := errors.Join(w.Begin(t0, "host7", "", 0), w.Stood(t0)); err != nil {
		t.Fatal(err)
	}
	stood := bytes.Clone(b.Bytes())
	if err := w.End(t0, "it was too slow"); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tape []byte
		says string
	}{
		{b.Bytes(), "tape: the recording ends early: it was too slow"},
		{stood, "tape: the recording was broken off here"},
		{stood[:len(tapeRecords(stood)[0])], "tape: the recording was broken off before all was told that stood"},
		{stood[:len(stood)-1], "tape: the recording was broken off before all was told that stood"},
	} {
		r := playTape(t, c.tape)
		if len(r.bad) != 1 || !strings.Contains(r.bad[0].Error(), c.says) || r.end != nil && !errors.Is(r.end, ErrTruncated) {
			t.Errorf("%v, %v; want %q", r.bad, r.end, c.says)
		}
	}
}

// What a tape has no place for is refused whole: what was written stays readable.
func TestTapeNoPlace(t *testing.T) {
	var b bytes.Buffer
	w := NewTapeWriter(&b)
	long := tapeAttrs("192.0.2.1", 64500)
	long.Communities = make([]bgp.Community, 20_000)
	err := w.Put(bgp.Change{Vantage: tapeV4, Prefix: netip.MustParsePrefix("203.0.113.0/24"), Attrs: long, At: t0, First: t0, Announced: 1})
	if r := playTape(t, b.Bytes()); !errors.Is(err, ErrNoPlace) || r.stats.Bad > 0 || r.stats.Records != 1 {
		t.Errorf("%v, and %+v", err, r.stats)
	}
}

// BenchmarkTape is what a recorder does for each change, on a goroutine of its own.
func BenchmarkTape(b *testing.B) {
	w := NewTapeWriter(io.Discard)
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Put(tapeInputs[0]); err != nil {
			b.Fatal(err)
		}
	}
}
