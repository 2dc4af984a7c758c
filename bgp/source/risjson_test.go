package source

import (
	"bytes"
	"errors"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"peervane/bgp"
)

const risLine = `{"type":"ris_message","data":{"timestamp":1573830861.72,"peer":"2001:db8:1::1","peer_asn":"64500","host":"rrc11.ripe.net",` +
	`"type":"UPDATE","path":[64500,64496,[64498,64499]],"community":[[64500,100],[65535,666]],"origin":"incomplete","med":7,` +
	`"aggregator":"64496:192.0.2.1","announcements":[{"next_hop":"2001:db8:1::1","prefixes":["2001:db8:2::1/48"]},` +
	`{"next_hop":"fe80::1","prefixes":["2001:db8:2::/48"]}],"withdrawals":["2001:db8:3::/48"]}}`

func TestParseRIS(t *testing.T) {
	m, err := parseRIS([]byte(risLine))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2019, 11, 15, 15, 14, 21, 720_000_000, time.UTC); !m.at.Equal(want) {
		t.Errorf("at %v, want %v", m.at, want)
	}
	if m.host != "rrc11" || m.peer != (mrtPeer{netip.MustParseAddr("2001:db8:1::1"), 64500}) || m.typ != risUpdate {
		t.Errorf("%+v", m)
	}
	if len(m.announced) != 1 || m.announced[0].prefixes[0] != netip.MustParsePrefix("2001:db8:2::/48") || len(m.withdrawn) != 1 {
		t.Errorf("announced %v, withdrawn %v", m.announced, m.withdrawn)
	}
	a := m.attrs.decode(m.announced[0].nextHop)
	if a.Path.String() != "64500 64496 {64498,64499}" || a.Origin != bgp.OriginIncomplete || !a.HasMED || a.MED != 7 ||
		a.NextHop != m.peer.addr || a.Aggregator != (bgp.Aggregator{ASN: 64496, Addr: netip.MustParseAddr("192.0.2.1")}) ||
		!slices.Equal(a.Communities, []bgp.Community{64500<<16 | 100, bgp.Blackhole}) {
		t.Errorf("%+v", a)
	}
}

func TestParseRISVariants(t *testing.T) {
	const rest = `"type":"RIS_PEER_STATE","state":"down"}`
	for _, test := range []struct{ name, line, fault string }{
		{"bare", `{"timestamp":1,"peer":"192.0.2.1","peer_asn":64500,"host":"rrc00",` + rest, ""},
		{"number in a string", `{"timestamp":"1.5","peer":"192.0.2.1","peer_asn":"64500",` + rest, ""},
		{"another message", `{"type":"ris_error","data":{"message":"no"}}`, "no message of a peer"},
		{"no peer", `{"timestamp":1}`, "no message of a peer"},
		{"exponent", `{"timestamp":1e9,"peer":"192.0.2.1","peer_asn":1}`, "timestamp"},
		{"negative", `{"timestamp":-1,"peer":"192.0.2.1","peer_asn":1}`, "timestamp"},
		{"ASN too large", `{"timestamp":1,"peer":"192.0.2.1","peer_asn":4294967296}`, "not an ASN"},
		{"bad prefix", `{"timestamp":1,"peer":"192.0.2.1","peer_asn":1,"withdrawals":["192.0.2.0/33"]}`, "prefix"},
		{"empty prefix", `{"timestamp":1,"peer":"192.0.2.1","peer_asn":1,"withdrawals":[""]}`, "empty"},
		{"bad community", `{"timestamp":1,"peer":"192.0.2.1","peer_asn":1,"community":[[65536,1]]}`, "community"},
		{"bad path", `{"timestamp":1,"peer":"192.0.2.1","peer_asn":1,"path":[{}]}`, "not an ASN"},
		{"no JSON", `TABLE_DUMP2|1|B`, "it is no JSON: invalid character"},
		{"no address", `{"timestamp":1,"peer":5,"peer_asn":1}`, "peer has the wrong type, number"},
		{"no message", `["timestamp"]`, "the message has the wrong type, array"},
	} {
		_, err := parseRIS([]byte(test.line))
		if (err == nil) != (test.fault == "") || err != nil && !strings.Contains(err.Error(), test.fault) {
			t.Errorf("%s: %v, want %q", test.name, err, test.fault)
		}
	}
}

// Microseconds stay what they are; a float would not keep them.
func TestParseTimestamp(t *testing.T) {
	for text, nanos := range map[string]int{
		"1553627987.890001": 890_001_000, "1553627987.8": 800_000_000, "1553627987": 0,
		"1553627987.": 0, "1553627987.123456789": 123_456_789, "1553627987.1234567891": 123_456_789,
	} {
		at, err := parseTimestamp(text)
		if err != nil || at.Unix() != 1553627987 || at.Nanosecond() != nanos {
			t.Errorf("%s: %v %v", text, at, err)
		}
	}
	for _, text := range []string{"", ".5", "1.-5", "1,5", "0x1", "99999999999999"} {
		if at, err := parseTimestamp(text); err == nil {
			t.Errorf("%q: %v", text, at)
		}
	}
}

func TestReplayOfRISLines(t *testing.T) {
	lines := []string{
		"what somebody wrote above it",
		risLine,
		`{"type":"ris_error","data":{"message":"slow"}}`,
		`{"type":"ris_message","data":{"timestamp":1573830862,"peer":"2001:db8:1::1","peer_asn":"64500","host":"rrc11","type":"KEEPALIVE"}}`,
		`{"type":"ris_message","data":{"timestamp":1573830863`,
		`{"timestamp":1573830863.5,"peer":"2001:db8:1::1","peer_asn":"64500","host":"rrc11","type":"RIS_PEER_STATE","state":"down"}`,
		``,
		`{"timestamp":1573830864,"peer":"2001:db8:1::1","peer_asn":"64500","host":"rrc11","type":"RIS_PEER_STATE","state":"connected"}`,
		`{"timestamp":1573830865,"peer":"2001:db8:1::1","peer_asn":"64500","host":"rrc11","type":"UPDATE","path":[64500],"origin":"igp",` +
			`"announcements":[{"next_hop":"2001:db8:1::1,fe80::1","prefixes":["2001:db8:2::/48"]}]}`,
	}
	file := writeFile(t, "ris.jsonl", []byte(strings.Join(lines, "\n")))
	r := replayFiles(t, nil, file)
	var said []string
	for _, in := range r.inputs {
		said = append(said, vantageOf(in).Name+" "+say(in))
	}
	want := []string{
		"rrc11/2001:db8:1::1/64500 up [ipv4 ipv6] due=false",
		"rrc11/2001:db8:1::1/64500 +2001:db8:2::/48 64500 64496 {64498,64499}",
		"rrc11/2001:db8:1::1/64500 down kept=[]",
		"rrc11/2001:db8:1::1/64500 up [ipv4 ipv6] due=false",
		"rrc11/2001:db8:1::1/64500 +2001:db8:2::/48 64500 initial",
	}
	if !slices.Equal(said, want) || r.end != nil {
		t.Errorf("told %q\n%v", said, r.end)
	}
	var bad *Error
	if len(r.bad) != 2 || !errors.As(r.bad[0], &bad) || bad.Line != 1 || !errors.As(r.bad[1], &bad) || bad.Line != 5 || r.stats.States != 2 || r.stats.Withdrawn != 1 {
		t.Errorf("%v %+v", r.bad, r.stats)
	}
	torn := writeFile(t, "torn.jsonl", []byte(lines[1]+"\n"+lines[5][:40]))
	if r := replayFiles(t, nil, torn); !errors.Is(r.end, ErrTruncated) || len(r.inputs) != 2 {
		t.Errorf("torn: %v %v", r.end, r.inputs)
	}
}

// The bytes of a message give attributes that RIS Live does not decode.
func TestReplayUsesRawRIS(t *testing.T) {
	for _, file := range testData(t, "ris/morrowc_1k-msgs") {
		r := replayFiles(t, nil, file)
		withMore := 0
		for _, in := range r.inputs {
			if c, ok := in.(bgp.Change); ok && c.Attrs != nil && (len(c.Attrs.LargeCommunities) > 0 || c.Attrs.AtomicAggregate) {
				withMore++
			}
		}
		if withMore == 0 || r.end != nil || len(r.bad) > 0 {
			t.Errorf("%d routes have such attributes; %v %v", withMore, r.bad, r.end)
		}
	}
}

func TestReplayOfRISData(t *testing.T) {
	for _, file := range append(testData(t, "ris/morrowc*"), testData(t, "incidents/*.ris.jsonl.gz")...) {
		r := replayFiles(t, nil, file)
		if r.end != nil || len(r.bad) > 0 || r.stats.Announced == 0 {
			t.Errorf("%s: %+v %v %v", file, r.stats, r.bad, r.end)
		}
		lines, _, _ := dumped(t, file)
		if n := linesByKind(lines); n["A"] != r.stats.Announced || n["W"] != r.stats.Withdrawn {
			t.Errorf("%s: %+v, but %v lines", filepath.Base(file), r.stats, n)
		}
	}
}

func TestRISLineTooLong(t *testing.T) {
	file := writeFile(t, "long", append([]byte(`{"x":"`), bytes.Repeat([]byte("a"), maxRISLine+chunkSize)...))
	if r := replayFiles(t, nil, file); !errors.Is(r.end, ErrCorrupt) {
		t.Errorf("%v", r.end)
	}
}

func TestDumpRIS(t *testing.T) {
	got, bad, err := dumped(t, writeFile(t, "ris", []byte(risLine+"\n"+
		`{"timestamp":1573830863.5,"peer":"2001:db8:1::1","peer_asn":64500,"type":"RIS_PEER_STATE","state":"connected"}`)))
	want := `BGP4MP_ET|1573830861.720000|W|2001:db8:1::1|64500|2001:db8:3::/48
BGP4MP_ET|1573830861.720000|A|2001:db8:1::1|64500|2001:db8:2::/48|64500 64496 {64498,64499}|INCOMPLETE|2001:db8:1::1|0|7|64500:100 65535:666|NAG|64496 192.0.2.1|
BGP4MP_ET|1573830863.500000|STATE|2001:db8:1::1|64500|1|6
`
	if string(got) != want || len(bad) > 0 || err != nil {
		t.Errorf("%s\n%v %v", got, bad, err)
	}
}
