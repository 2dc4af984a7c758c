package source

import (
	"bytes"
	"errors"
	"net/netip"
	"testing"
	"time"

	"peervane/bgp"
)

// A recording of a daemon that lies in the folder of a feed is one of a collector: it says nothing of our own sessions, whatever
// their names are.
func TestMRTDirTape(t *testing.T) {
	l := newDirLab(t)
	at := l.now.Add(-time.Minute)
	own := &bgp.Vantage{Name: "edge1-v4", Addr: netip.MustParseAddr("192.0.2.1"), ASN: 64500, LocalASN: 64512, Relationship: bgp.Provider}
	var tape bytes.Buffer
	w := NewTapeWriter(&tape)
	if err := errors.Join(
		w.Begin(at, "host7", "1.0", 1),
		w.Stand(bgp.Standing{Vantage: own, At: at, Up: true, WasUp: true, Since: at, Held: []bgp.Held{
			{Prefix: netip.MustParsePrefix("192.0.2.0/24"), Attrs: tapeAttrs("192.0.2.1", 64500), Since: at},
		}}),
		w.Stood(at),
		w.Put(bgp.Awaited{Vantage: own, At: at}),
		w.End(at.Add(time.Second), ""),
	); err != nil {
		t.Fatal(err)
	}
	l.bytes("updates", tape.Bytes())
	l.feed.look(t.Context(), l.now)
	took, _ := l.feed.Take(nil, 1000)
	if len(took) != 2 {
		t.Errorf("told %v", took)
	}
	for _, in := range took {
		switch in := in.(type) {
		case bgp.SessionUp, bgp.Change:
			if v := in.Of(); v.Own() || v.Name != "archive/192.0.2.1/64500" {
				t.Errorf("told of %+v", v)
			}
		default:
			t.Errorf("told %#v", in)
		}
	}
}
