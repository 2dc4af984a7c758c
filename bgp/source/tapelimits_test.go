package source

import (
	"bytes"
	"errors"
	"io"
	"net/netip"
	"strings"
	"testing"

	"peervane/bgp"
)

// A name is that of one vantage, until it is gone; one of our own sessions may take the place of another.
func TestTapeNames(t *testing.T) {
	own := &bgp.Vantage{Name: "edge1", ASN: 64500, Relationship: bgp.Provider}
	again, other := *own, &bgp.Vantage{Name: "edge1", Collector: "x", ASN: 64501}
	back := *other
	r := playTape(t, tapeOf(t,
		bgp.Awaited{Vantage: own, At: t0}, bgp.Awaited{Vantage: &again, At: t0}, bgp.StaleLost{Vantage: own, At: t0}, bgp.SessionUp{Vantage: other, At: t0}, bgp.Gone{Vantage: other, At: t0},
		bgp.Gone{Vantage: &again, At: t0}, bgp.SessionUp{Vantage: &back, At: t0}))
	if len(r.inputs) != len(tapeStanding)+4 || len(r.bad) < 2 || !strings.Contains(r.bad[0].Error(), "which nobody has") || !strings.Contains(r.bad[1].Error(), `vantage "edge1", whose name another one has`) {
		t.Errorf("%d told, %v", len(r.inputs), r.bad)
	}
}

// What two recordings tell is not put together: nothing is told of either. Other recordings may stand beside one.
func TestOneTape(t *testing.T) {
	tape := tapeOf(t, tapeInputs[0])
	a, b, twice := writeFile(t, "a", tape), writeFile(t, "b", tape), writeFile(t, "twice", append(bytes.Clone(tape), tape...))
	other := mrtFile{}
	other.update("192.0.2.0/24", "", 64500)
	plain := other.write(t, "plain")
	late := writeFile(t, "late", append(bytes.Clone(other.bytes), tape...))
	for _, c := range []struct {
		files []string
		told  int
		says  string
	}{
		{[]string{plain, a}, 5, ""},
		{[]string{plain, a, b}, 0, a + " and " + b + " are both recordings of peervane record: replay them one by one"},
		{[]string{a, a}, 0, a + " and " + a + " are both recordings"},
		{[]string{a, late}, 5, a + " and " + late + " are both recordings"},
		{[]string{twice}, 3, twice + " holds several recordings of peervane record: replay them one by one"},
	} {
		r := replayFiles(t, nil, c.files...)
		if len(r.inputs) > c.told || (r.end == nil) != (c.says == "") || r.end != nil && !strings.Contains(r.end.Error(), c.says) {
			t.Errorf("%v: %d told, %v; want %q", c.files, len(r.inputs), r.end, c.says)
		}
	}
}

// What does not fit is said with whose it is; of examples it is left out.
func TestTapeNoRoom(t *testing.T) {
	long := tapeAttrs("192.0.2.1", make([]uint32, 20_000)...)
	p := netip.MustParsePrefix("203.0.113.0/24")
	s := tapeStanding[0]
	s.Held = []bgp.Held{{Prefix: p, Attrs: long, Since: t0}}
	w := NewTapeWriter(io.Discard)
	if err := w.Stand(s); !errors.Is(err, ErrNoPlace) || !strings.Contains(err.Error(), "203.0.113.0/24 at edge1-v4") {
		t.Error(err)
	}
	leaked := bgp.LeakedTable{Vantage: tapeV4, At: t0, Examples: []bgp.Seen{
		{Vantage: tapeV4, Prefix: p, Attrs: long, Since: t0},
		{Vantage: tapeV4, Prefix: p, Attrs: tapeAttrs("192.0.2.1", 64500), Since: t0},
	}}
	r := playTape(t, tapeOf(t, leaked))
	if told, ok := r.inputs[len(r.inputs)-1].(bgp.LeakedTable); !ok || len(told.Examples) != 1 || len(r.bad) > 0 {
		t.Errorf("%s, %v", spell(r.inputs[len(r.inputs)-1]), r.bad)
	}
}

// A vantage whose input was refused is told with the next.
func TestTapeRefusalLeavesNoNumber(t *testing.T) {
	var b bytes.Buffer
	w := NewTapeWriter(&b)
	refused := w.Put(bgp.Standing{Vantage: tapeV4, At: t0})
	if err := w.Put(tapeInputs[0]); !errors.Is(refused, ErrNoPlace) || err != nil {
		t.Fatal(refused, err)
	}
	if r := playTape(t, b.Bytes()); len(r.inputs) != 1 || r.stats.Bad > 0 {
		t.Errorf("%d told, %v", len(r.inputs), r.bad)
	}
}

// fullDisk takes so many writes.
type fullDisk struct{ room int }

func (d *fullDisk) Write(b []byte) (int, error) {
	if len(b) == 0 {
		return 0, nil
	}
	if d.room--; d.room < 0 {
		return len(b) / 2, errors.New("no space left")
	}
	return len(b), nil
}

// What could not be written is not counted.
func TestTapeCopyCounts(t *testing.T) {
	records := tapeRecords(tapeOf(t))
	for room, want := range []int{0, 1, len(records)} {
		from := io.MultiReader(bytes.NewReader(records[0]), bytes.NewReader(bytes.Join(records[1:], nil)))
		if c, err := CopyTape(&fullDisk{room}, from); c.Records != want || (err == nil) != (want == len(records)) {
			t.Errorf("room for %d: %+v, %v", room, c, err)
		}
	}
}
