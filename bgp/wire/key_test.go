package wire

import (
	"reflect"
	"testing"

	"peervane/bgp"
)

// checkKey holds what is decoded of a Key to what is decoded of its UPDATE.
func checkKey(t *testing.T, u *Update) {
	if u.verdict > AttributeDiscard {
		return
	}
	var s Sketch
	for _, f := range bgp.Families {
		want, key := u.Attrs(f), append([]byte(nil), u.Key(f)...)
		if got := AttrsOf(key); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %+v, want %+v", f, got, want)
		}
		got := s.Of(key)
		if bgp.NewPath(got.Path.Segments).String() != want.Path.String() || got.OTC != want.OTC || got.HasOTC != want.HasOTC {
			t.Errorf("sketched %+v, want %+v", got, want)
		}
	}
}

func TestKeyIsDecodedAsItsUpdate(t *testing.T) {
	var u Update
	for mode := range byte(modeWithout6) {
		for _, b := range append(seedUpdates(), typical(bgp.IPv4), typical(bgp.IPv6)) {
			paramsFor(mode).Scan(b, &u)
			checkKey(t, &u)
		}
	}
}

func TestSketchDoesNotAllocate(t *testing.T) {
	var u Update
	var s Sketch
	external.Scan(typical(bgp.IPv4), &u)
	key := append([]byte(nil), u.Key(bgp.IPv4)...)
	s.Of(key)
	if n := testing.AllocsPerRun(100, func() { sink += s.Of(key).Path.Len() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSketch(b *testing.B) {
	benchFamilies(b, func(b *testing.B, message []byte) {
		var u Update
		var s Sketch
		external.Scan(message, &u)
		key := append([]byte(nil), u.Key(bgp.IPv4)...)
		for b.Loop() {
			sink += s.Of(key).Path.Len()
		}
	})
}
