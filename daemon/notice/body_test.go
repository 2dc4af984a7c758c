package notice

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"net/netip"
	"os"
	"reflect"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files anew")

func float(f float64) *float64 { return &f }

// leak is the example of the documentation, every field of it filled.
func leak() Notice {
	prefix := netip.MustParsePrefix("203.0.113.0/24")
	start := time.Date(2026, 11, 22, 10, 0, 0, 123456789, time.FixedZone("", 3600))
	id := Identity{Type: RouteLeak, Prefix: prefix, Offending: prefix, Culprit: 64501}
	return Notice{
		Delivery: "01JD0000000000000000000000", Incident: "01JC0000000000000000000000", Fingerprint: id.Fingerprint(),
		Status: Updated, Type: RouteLeak, Severity: Critical,
		Summary: "203.0.113.0/24 leaked by AS64501: AS64500 (provider) -> AS64501 -> AS3356 (provider); +38 ms to POP par1",
		Prefix:  prefix, Offending: prefix, Connection: "paris-1", CulpritASN: 64501,
		Labels:    map[string]string{"team": "noc", "site": `a "b" <c> & é`},
		StartedAt: At(start), UpdatedAt: At(start.Add(time.Second)), Reason: ReasonLatency,
		Vantages: Vantages{Bad: 3, Total: 4},
		Evidence: Evidence{
			Methods: []string{"aspa", "relationships"}, LeakType: 1, Also: []string{PathChange},
			Routes: []Route{{
				Vantage: "edge1-v4", Prefix: prefix, ASPath: "64500 64501 3356 64496", Origin: 64496,
				NextHop: netip.MustParseAddr("192.0.2.1"), Communities: []string{"64500:100"}, RPKI: "valid", Since: At(start),
			}},
			Previous: []Route{{Vantage: "edge1-v4", Prefix: prefix, ASPath: "64500 64496", Origin: 64496}},
			Expected: Expected{Origins: []uint32{64496}, MaxLength: 24},
			Latency:  &Latency{POP: "par1", BeforeMS: float(12.1), AfterMS: float(50.3), ShiftMS: float(50.3 - 12.1), Loss: float(0)},
			Verdict:  "both",
			Hints:    []string{"ask AS64501 to filter"},
		},
		Source: "host7",
	}
}

func TestBodyGolden(t *testing.T) {
	resolved := leak()
	resolved.Status, resolved.ResolvedAt, resolved.Reason = Resolved, At(time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)), ReasonCleared
	unmeasured := leak()
	unmeasured.Status, unmeasured.Reason = Firing, ""
	unmeasured.Evidence.Latency = &Latency{POP: "par1", BeforeMS: float(12.1), AfterMS: float(math.NaN())}
	for name, n := range map[string]Notice{"updated": leak(), "resolved": resolved, "unmeasured": unmeasured, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			body, err := n.Body()
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "testdata/"+name+".json", indent(t, body))
		})
	}
}

func indent(t *testing.T, body []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	return b.Bytes()
}

func golden(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run with -update and look at the difference\ngot:\n%s", file, got)
	}
}

func TestBodyIsOneLineAndUnescaped(t *testing.T) {
	body, err := leak().Body()
	if err != nil {
		t.Fatal(err)
	}
	if bytes.ContainsRune(body, '\n') {
		t.Error("the body has a line break")
	}
	if !bytes.Contains(body, []byte("(provider) -> AS64501")) {
		t.Error("the arrow of the summary is escaped")
	}
}

func TestBodyIsStable(t *testing.T) {
	first, err := leak().Body()
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		if again, _ := leak().Body(); !bytes.Equal(first, again) {
			t.Fatalf("two bodies of one notice:\n%s\n%s", first, again)
		}
	}
}

func TestBodyChangesNothingShared(t *testing.T) {
	n := leak()
	if _, err := n.Body(); err != nil {
		t.Fatal(err)
	}
	if n.Evidence.Previous[0].Communities != nil || n.Version != "" {
		t.Error("Body wrote to the notice that it was asked for")
	}
}

func TestParseIsTheInverse(t *testing.T) {
	want := leak()
	body, err := want.Body()
	if err != nil {
		t.Fatal(err)
	}
	want.Evidence.Latency.ShiftMS = float(38.2)
	got, err := Parse(body)
	if err != nil {
		t.Fatal(err)
	}
	want = want.whole()
	want.Version = Version
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseRefuses(t *testing.T) {
	for _, body := range []string{``, `{}`, `[]`, `{"version":"notice.v2"}`, `{"version":"notice.v1","severity":"loud"}`} {
		if _, err := Parse([]byte(body)); err == nil {
			t.Errorf("%q was accepted", body)
		}
	}
}

func FuzzParse(f *testing.F) {
	body, err := leak().Body()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, body []byte) {
		n, err := Parse(body)
		if err != nil {
			return
		}
		again, err := n.Body()
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		if _, err := Parse(again); err != nil {
			t.Fatalf("written but not read: %v\n%s", err, again)
		}
	})
}
