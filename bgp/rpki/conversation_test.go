package rpki

import (
	"errors"
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var at = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

// feed gives a conversation a stream of PDUs, and gathers what it answers.
func feed(t *testing.T, c *conversation, stream []byte) (answers []byte, last *holding, err error) {
	t.Helper()
	for len(stream) > 0 {
		size := int(stream[6])<<8 | int(stream[7])
		p, fault := parsePDU(stream[:size])
		if fault != nil {
			return answers, last, fault
		}
		answer, done, err := c.receive(&p, at)
		if answers = append(answers, answer...); err != nil {
			return answers, last, err
		}
		if done != nil {
			last = done
		}
		stream = stream[size:]
	}
	return answers, last, nil
}

var (
	vrpA = vrp("192.0.2.0/24", 24, 64496)
	vrpB = vrp("198.51.100.0/24", 26, 64497)
	vrpC = vrp("2001:db8::/32", 48, 64498)
)

func reset(version uint8) []byte { return encode(version, resetQuery, 0) }
func serial(version uint8, session uint16, n uint32) []byte {
	return encode(version, serialQuery, session, u32(n))
}

// TestConversation follows section 8 of 8210bis: what is asked, what is held, and what ends it. Each row begins with
// vrpA held from version 2, session 7, serial 5, unless it says otherwise.
func TestConversation(t *testing.T) {
	for _, row := range []struct {
		about   string
		anew    bool  // nothing is held
		version uint8 // 0 stands for 2
		first   []byte
		stream  []byte
		answers []byte
		vrps    []VRP // nil: nothing became complete
		epoch   Epoch
		wrong   any // errorCode of a fault of the cache's, *cacheError, or *downgradeError
	}{
		{about: "start", anew: true, first: reset(2), stream: load(2, 7, 1, encodeVRP(2, vrpA, true)), vrps: []VRP{vrpA}, epoch: Epoch{2, 7, 1}},
		{about: "start in any order, with keys", anew: true, first: reset(2), stream: load(2, 7, 1, encodeVRP(2, vrpC, true), encodeKey(2), encodeVRP(2, vrpA, true)), vrps: []VRP{vrpA, vrpC}, epoch: Epoch{2, 7, 1}},
		{about: "nothing new", first: serial(2, 7, 5), stream: load(2, 7, 5), vrps: []VRP{vrpA}, epoch: Epoch{2, 7, 5}},
		{about: "changes", first: serial(2, 7, 5), stream: load(2, 7, 6, encodeVRP(2, vrpB, true), encodeVRP(2, vrpA, false)), vrps: []VRP{vrpB}, epoch: Epoch{2, 7, 6}},
		{about: "the serial wraps", first: serial(2, 7, 5), stream: load(2, 7, 1<<31+4), vrps: []VRP{vrpA}, epoch: Epoch{2, 7, 1<<31 + 4}},
		{about: "the serial goes back", first: serial(2, 7, 5), stream: load(2, 7, 4), answers: reset(2)},
		{about: "no incremental update", first: serial(2, 7, 5), stream: slices.Concat(encode(2, cacheReset, 0), load(2, 8, 1, encodeVRP(2, vrpB, true))), answers: reset(2), vrps: []VRP{vrpB}, epoch: Epoch{2, 8, 1}},
		{about: "a notify before the answer", anew: true, first: reset(2), stream: slices.Concat(encode(1, serialNotify, 3, u32(9)), load(2, 7, 1)), vrps: []VRP{}, epoch: Epoch{2, 7, 1}},
		{about: "an answer in version 1", anew: true, first: reset(2), stream: load(1, 7, 1, encodeVRP(1, vrpA, true)), vrps: []VRP{vrpA}, epoch: Epoch{1, 7, 1}},
		{about: "an answer in version 0", anew: true, first: reset(2), stream: load(0, 7, 1, encodeVRP(0, vrpA, true)), vrps: []VRP{vrpA}, epoch: Epoch{0, 7, 1}},
		{about: "held of another version", version: 1, first: reset(1), stream: load(1, 7, 5, encodeVRP(1, vrpB, true)), vrps: []VRP{vrpB}, epoch: Epoch{1, 7, 5}},

		{about: "changes in version 1 to a query in 2", first: serial(2, 7, 5), stream: load(1, 7, 6), wrong: &downgradeError{1}},
		{about: "an unknown version", anew: true, first: reset(2), stream: encode(3, cacheResponse, 7), wrong: unsupportedVersion},
		{about: "a refusal of the version", anew: true, first: reset(2), stream: encodeReport(1, unsupportedVersion, "1 at most"), wrong: &cacheError{1, unsupportedVersion, "1 at most"}},
		{about: "no data", first: serial(2, 7, 5), stream: encodeReport(2, noDataAvailable, ""), wrong: &cacheError{2, noDataAvailable, ""}},
		{about: "another version within the session", anew: true, first: reset(2), stream: slices.Concat(encode(2, cacheResponse, 7), encodeVRP(1, vrpA, true)), wrong: unexpectedVersion},
		{about: "another session", first: serial(2, 7, 5), stream: load(2, 8, 6), wrong: corruptData},
		{about: "another session at the end", anew: true, first: reset(2), stream: slices.Concat(encode(2, cacheResponse, 7), encodeEnd(2, 8, 1)), wrong: corruptData},
		{about: "a notify of another session", first: serial(2, 7, 5), stream: slices.Concat(load(2, 7, 5), encode(2, serialNotify, 8, u32(1))), vrps: []VRP{vrpA}, epoch: Epoch{2, 7, 5}, wrong: corruptData},
		{about: "a duplicate within the answer", anew: true, first: reset(2), stream: load(2, 7, 1, encodeVRP(2, vrpA, true), encodeVRP(2, vrpA, true)), wrong: duplicateAnnouncement},
		{about: "a duplicate of what is held", first: serial(2, 7, 5), stream: load(2, 7, 6, encodeVRP(2, vrpA, true)), wrong: duplicateAnnouncement},
		{about: "an unknown withdrawal", first: serial(2, 7, 5), stream: load(2, 7, 6, encodeVRP(2, vrpB, false)), wrong: withdrawalOfUnknown},
		{about: "a withdrawal that differs in the maximum length", first: serial(2, 7, 5), stream: load(2, 7, 6, encodeVRP(2, vrp("192.0.2.0/24", 25, 64496), false)), wrong: withdrawalOfUnknown},
		{about: "a withdrawal in a full load", anew: true, first: reset(2), stream: load(2, 7, 1, encodeVRP(2, vrpA, false)), wrong: withdrawalOfUnknown},
		{about: "an unknown ASPA withdrawn", first: serial(2, 7, 5), stream: load(2, 7, 6, encodeASPA(ASPA{Customer: 1}, false)), wrong: withdrawalOfUnknown},
		{about: "a record before the answer", anew: true, first: reset(2), stream: encodeVRP(2, vrpA, true), wrong: corruptData},
		{about: "a record after the end", anew: true, first: reset(2), stream: slices.Concat(load(2, 7, 1), encodeVRP(2, vrpA, true)), vrps: []VRP{}, epoch: Epoch{2, 7, 1}, wrong: corruptData},
		{about: "an answer to nothing", anew: true, first: reset(2), stream: slices.Concat(load(2, 7, 1), encode(2, cacheResponse, 7)), vrps: []VRP{}, epoch: Epoch{2, 7, 1}, wrong: corruptData},
		{about: "an answer within the answer", anew: true, first: reset(2), stream: slices.Concat(encode(2, cacheResponse, 7), encode(2, cacheResponse, 7)), wrong: corruptData},
		{about: "an end without an answer", anew: true, first: reset(2), stream: slices.Concat(load(2, 7, 1), encodeEnd(2, 7, 1)), vrps: []VRP{}, epoch: Epoch{2, 7, 1}, wrong: corruptData},
		{about: "a reset of a reset", anew: true, first: reset(2), stream: encode(2, cacheReset, 0), wrong: corruptData},
		{about: "a query from the cache", first: serial(2, 7, 5), stream: slices.Concat(load(2, 7, 5), reset(2)), vrps: []VRP{vrpA}, epoch: Epoch{2, 7, 5}, wrong: corruptData},
	} {
		c := &conversation{version: row.version, held: &holding{epoch: Epoch{2, 7, 5}, vrps: []VRP{vrpA}}}
		if row.version == 0 {
			c.version = 2
		}
		if row.anew {
			c.held = nil
		}
		if first := c.query(); !slices.Equal(first, row.first) {
			t.Errorf("%s: asks %x, want %x", row.about, first, row.first)
		}
		answers, done, err := feed(t, c, row.stream)
		if !slices.Equal(answers, row.answers) {
			t.Errorf("%s: answers %x, want %x", row.about, answers, row.answers)
		}
		if (done == nil) != (row.vrps == nil) || done != nil && (!slices.Equal(done.vrps, row.vrps) || done.epoch != row.epoch) {
			t.Errorf("%s: holds %+v, want %v of %v", row.about, done, row.vrps, row.epoch)
		}
		checkWrong(t, row.about, err, row.wrong)
	}
}

func checkWrong(t *testing.T, about string, err error, want any) {
	t.Helper()
	var fault *protocolError
	var said *cacheError
	var lower *downgradeError
	ok := false
	switch want := want.(type) {
	case nil:
		ok = err == nil
	case errorCode:
		ok = errors.As(err, &fault) && fault.code == want
	case *cacheError:
		ok = errors.As(err, &said) && *said == *want
	case *downgradeError:
		ok = errors.As(err, &lower) && *lower == *want
	}
	if !ok {
		t.Errorf("%s: ends with %v, want %v", about, err, want)
	}
}

// TestASPAReplaces shows that an announcement replaces the provider set, that the two families of older caches are
// united, and that a transaction that fails leaves what was held as it was.
func TestASPAReplaces(t *testing.T) {
	c := &conversation{version: 2}
	expect := func(about string, stream []byte, want ...ASPA) {
		t.Helper()
		c.query()
		_, done, err := feed(t, c, stream)
		if err != nil || !slices.EqualFunc(done.united, want, func(a, b ASPA) bool { return a.Customer == b.Customer && slices.Equal(a.Providers, b.Providers) }) {
			t.Fatalf("%s: %v, %v, want %v", about, done, err, want)
		}
	}
	expect("announced", load(2, 7, 1, encodeASPA(ASPA{1, []uint32{10, 11}}, true), encodeASPA(ASPA{2, []uint32{0}}, true)), ASPA{1, []uint32{10, 11}}, ASPA{2, []uint32{0}})
	before := c.held
	expect("replaced", load(2, 7, 2, encodeASPA(ASPA{1, []uint32{11, 12}}, true)), ASPA{1, []uint32{11, 12}}, ASPA{2, []uint32{0}})
	expect("withdrawn", load(2, 7, 3, encodeASPA(ASPA{Customer: 2}, false)), ASPA{1, []uint32{11, 12}})
	expect("both families", load(2, 7, 4, encodeOldASPA(ASPA{3, []uint32{10}}, 0, true), encodeOldASPA(ASPA{3, []uint32{11}}, 1, true)), ASPA{1, []uint32{11, 12}}, ASPA{3, []uint32{10, 11}})
	expect("one family withdrawn", load(2, 7, 5, encodeOldASPA(ASPA{Customer: 3}, 1, false)), ASPA{1, []uint32{11, 12}}, ASPA{3, []uint32{10}})
	if !slices.Equal(before.united[0].Providers, []uint32{10, 11}) || len(before.united) != 2 {
		t.Errorf("an earlier holding changed into %v", before.united)
	}
	held := c.held
	c.query()
	if _, _, err := feed(t, c, load(2, 7, 6, encodeASPA(ASPA{4, []uint32{1}}, true), encodeVRP(2, vrpA, false))); err == nil || c.held != held {
		t.Errorf("a failed transaction changed what is held: %v", err)
	}
}

// TestTransactionOracle applies random exchanges to a plain map.
func TestTransactionOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		oracle := map[VRP]bool{}
		c := &conversation{version: 2}
		for n := range uint32(rapid.IntRange(1, 6).Draw(t, "exchanges")) {
			c.query()
			var records [][]byte
			next, fails := maps.Clone(oracle), false
			for range rapid.IntRange(0, 12).Draw(t, "records") {
				v, announce := someVRP.Draw(t, "vrp"), rapid.IntRange(0, 3).Draw(t, "announce") > 0
				if len(next) > 0 && rapid.Bool().Draw(t, "known") {
					v, announce = rapid.SampledFrom(slices.SortedFunc(maps.Keys(next), VRP.Compare)).Draw(t, "held"), rapid.IntRange(0, 9).Draw(t, "again") == 0
				}
				fails = fails || next[v] == announce
				if announce {
					next[v] = true
				} else {
					delete(next, v)
				}
				records = append(records, encodeVRP(2, v, announce))
			}
			held := c.held
			stream := load(2, 7, n, records...)
			var err error
			for len(stream) > 0 && err == nil {
				size := int(stream[6])<<8 | int(stream[7])
				p, fault := parsePDU(stream[:size])
				if fault != nil {
					t.Fatal(fault)
				}
				_, _, err = c.receive(&p, at)
				stream = stream[size:]
			}
			if (err != nil) != fails {
				t.Fatalf("error %v, want one: %v", err, fails)
			}
			if fails {
				if c.held != held {
					t.Fatal("a failed exchange took effect")
				}
				return
			}
			oracle = next
			if !slices.Equal(c.held.vrps, slices.SortedFunc(maps.Keys(oracle), VRP.Compare)) {
				t.Fatalf("holds %v, want %v", c.held.vrps, oracle)
			}
		}
	})
}
