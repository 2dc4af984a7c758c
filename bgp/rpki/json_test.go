package rpki

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestJSONExports reads each form that the public test data has.
func TestJSONExports(t *testing.T) {
	now := time.Date(2021, 7, 27, 19, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		file  string
		vrps  int
		first VRP
		built time.Time
		aspas []ASPA
		next  int64
	}{
		{"rpki/gortr_test.rpki.json", 2, vrp("10.0.0.0/25", 26, 65000), time.Unix(1577865600, 0), nil, 0},
		{"rpki/stayrtr_smalltest.rpki.json", 2, vrp("1.0.0.0/24", 24, 13335), time.Date(2021, 7, 27, 18, 56, 2, 0, time.UTC), nil, 1627568318},
		{"rpki/stayrtr_test.rpki.json", 19, vrp("1.0.0.0/24", 24, 13335), time.Date(2023, 7, 27, 18, 56, 2, 0, time.UTC),
			[]ASPA{{15562, []uint32{2914, 8283, 51088, 206238}}, {64496, []uint32{1299, 6939, 7480, 32097, 50058, 61138}}}, 1827488503},
		{"vectors/apnic_rpki.json", 7, vrp("1.0.0.0/24", 24, 13335), time.Date(2024, 3, 17, 2, 54, 33, 0, time.UTC),
			[]ASPA{{945, []uint32{174, 1299, 3491, 6461, 6939, 7018, 7922, 9002, 32097}}, {970, []uint32{54874}}, {7480, []uint32{983, 6939, 41378, 50058, 138997}}}, 2000000000},
	} {
		d, err := DecodeJSON(bytes.NewReader(testData(t, row.file)), now)
		if err != nil {
			t.Errorf("%s: %v", row.file, err)
			continue
		}
		if len(d.VRPs) != row.vrps || d.VRPs[0] != row.first || !d.Built.Equal(row.built) || !sameASPAs(d.ASPAs, row.aspas) {
			t.Errorf("%s: %d VRPs, the first %v, built %v, ASPAs %v", row.file, len(d.VRPs), d.VRPs[0], d.Built, d.ASPAs)
		}
		if row.next == 0 != d.NextExpiry.IsZero() || row.next != 0 && d.NextExpiry.Unix() != row.next {
			t.Errorf("%s: the first expires at %d", row.file, d.NextExpiry.Unix())
		}
	}
	d, err := DecodeJSON(bytes.NewReader(testData(t, "rpki/stayrtr_smalltest.rpki.json")), time.Unix(1627568318, 0))
	if err != nil || len(d.VRPs) != 1 || d.VRPs[0].ASN != 9367 {
		t.Errorf("after one has expired: %+v, %v", d, err)
	}
}

func sameASPAs(a, b []ASPA) bool {
	return slices.EqualFunc(a, b, func(a, b ASPA) bool { return a.Customer == b.Customer && slices.Equal(a.Providers, b.Providers) })
}

// TestJSONForms is what the tools' exports differ in.
func TestJSONForms(t *testing.T) {
	d, err := DecodeJSON(strings.NewReader(`{
		"metadata": {"generated": 1700000000, "generatedTime": "2023-11-14T22:13:20Z", "more": {"x": [1, {"y": null}]}},
		"unknown": [[1, "2"], {"roas": 7}],
		"roas": [
			{"asn": "AS64496", "prefix": "192.0.2.0/24", "maxLength": 26, "source": [{"type": "roa", "uri": "rsync://x"}]},
			{"asn": "as64497", "prefix": "192.0.2.0/24"},
			{"asn": 64496, "prefix": "192.0.2.0/24", "maxLength": 26, "ta": "another"}
		],
		"routerKeys": [{"asn": "AS1", "SKI": "00"}],
		"aspas": [
			{"customer": "AS64500", "providers": ["AS2", "AS1", "AS2"], "ta": "ripe"},
			{"customer_asid": 64501, "providers": []},
			{"customer_asid": 64502, "expires": 1, "providers": [3]}
		],
		"provider_authorizations": {"ipv4": [{"customer_asid": 64500, "providers": [3]}], "ipv6": []}
	}`), time.Unix(1700000001, 0))
	if err != nil {
		t.Fatal(err)
	}
	if want := []VRP{vrp("192.0.2.0/24", 24, 64497), vrp("192.0.2.0/24", 26, 64496)}; !slices.Equal(d.VRPs, want) {
		t.Errorf("VRPs %v, want %v", d.VRPs, want)
	}
	if want := []ASPA{{64500, []uint32{1, 2, 3}}, {64501, nil}}; !sameASPAs(d.ASPAs, want) || d.Built.Unix() != 1700000000 {
		t.Errorf("ASPAs %v, want %v; built %v", d.ASPAs, want, d.Built)
	}
}

// TestBadJSON refuses a text with one bad record as a whole, and says where it is.
func TestBadJSON(t *testing.T) {
	for text, complaint := range map[string]string{
		``:             "unexpected EOF",
		`[]`:           "[ stands where { must",
		`{}`:           `neither "roas" nor "aspas"`,
		`{"roas": {}}`: `"roas": { stands where [ must`,
		`{"roas": [`:   "unexpected EOF",
		`{"roas": []`:  "unexpected EOF",
		`{"roas": [{"asn": 1, "prefix": "192.0.2.0/24"}`: "unexpected EOF",
		`{"roas": []} {}`:                                                                    "more text",
		`{"roas": [{"prefix": "192.0.2.0/24"}]}`:                                             `record 0: needs "asn"`,
		`{"roas": [{"asn": 1}]}`:                                                             "record 0",
		`{"roas": [{"asn": 1, "prefix": "192.0.2.1/24"}]}`:                                   "host bits",
		`{"roas": [{"asn": 1, "prefix": "::ffff:192.0.2.0/120"}]}`:                           "IPv4 written as IPv6",
		`{"roas": [{"asn": 1, "prefix": "192.0.2.0/24", "maxLength": 33}]}`:                  "between 24 and 32",
		`{"roas": [{"asn": -1, "prefix": "192.0.2.0/24"}]}`:                                  "is no ASN",
		`{"roas": [{"asn": 1, "prefix": "192.0.2.0/24"}, {"asn": 1, "prefix": "10.0.0.0"}]}`: "record 1",
		`{"aspas": [{"customer": 1}]}`:                                                       `"providers"`,
		`{"aspas": [{"customer": 0, "providers": [1]}]}`:                                     `"customer"`,
		`{"aspas": [{"customer": 1, "providers": [null]}]}`:                                  "is no ASN",
		`{"provider_authorizations": []}`:                                                    "[ stands where { must",
	} {
		if _, err := DecodeJSON(strings.NewReader(text), at); err == nil || !strings.Contains(err.Error(), complaint) {
			t.Errorf("%s: %v, want %q", text, err, complaint)
		}
	}
}

func FuzzJSON(f *testing.F) {
	f.Add([]byte(exportOf(at, `{"customer": "AS1", "providers": ["AS2"]}`, vrpA, vrpC)))
	f.Add([]byte(`{"provider_authorizations": {"ipv4": [{"customer_asid": 1, "providers": [2, 3]}]}, "x": [{}]}`))
	f.Add([]byte(`{"roas": [{"asn": 1, "prefix": "::/0", "expires": 1700000000}], "metadata": {"generated": 5}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := DecodeJSON(bytes.NewReader(text), at)
		if err != nil {
			return
		}
		for _, v := range d.VRPs {
			if err := v.check(); err != nil {
				t.Fatal(err)
			}
		}
		NewSet(d.VRPs, d.ASPAs)
	})
}

// TestASPADiff shows that paths which a difference does not touch keep their verdict.
func TestASPADiff(t *testing.T) {
	draw := func(t *rapid.T) []ASPA {
		var out []ASPA
		for customer := uint32(1); customer <= 6; customer++ {
			if rapid.Bool().Draw(t, "attests") {
				out = append(out, ASPA{customer, rapid.SliceOfNDistinct(rapid.Uint32Range(0, 6), 0, 3, rapid.ID).Draw(t, "providers")})
			}
		}
		return out
	}
	rapid.Check(t, func(t *rapid.T) {
		before, after := NewSet(nil, draw(t)), NewSet(nil, draw(t))
		d := Compare(before, after)
		for customer := uint32(1); customer <= 6; customer++ {
			old, had := before.aspas.providers[customer]
			now, has := after.aspas.providers[customer]
			if slices.Contains(d.Customers, customer) != (had != has || !slices.Equal(old, now)) {
				t.Fatalf("customers %v: %d attested %v, then %v", d.Customers, customer, old, now)
			}
		}
		for range 10 {
			path := rapid.SliceOfN(rapid.Uint32Range(1, 6), 1, 6).Draw(t, "path")
			was, is := verdictOf(before, path), verdictOf(after, path)
			if was != is && !d.TouchesPath(pathOf(path)) {
				t.Fatalf("%v went from %v to %v, untouched by %v", path, was, is, d.Customers)
			}
		}
	})
}
