package rpki

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"
)

func TestParsePDU(t *testing.T) {
	for _, row := range []struct {
		about string
		raw   []byte
		want  pdu
	}{
		{"IPv4 prefix", encodeVRP(1, vrp("192.0.2.0/24", 26, 64496), true), pdu{version: 1, kind: ipv4Prefix, announce: true, vrp: vrp("192.0.2.0/24", 26, 64496)}},
		{"IPv6 prefix, withdrawn", encodeVRP(0, vrp("2001:db8::/32", 48, 1), false), pdu{kind: ipv6Prefix, vrp: vrp("2001:db8::/32", 48, 1)}},
		{"ASPA", encodeASPA(ASPA{64496, []uint32{3, 64500}}, true), pdu{version: 2, kind: aspaRecord, session: 0x100, announce: true, aspa: aspaKey{customer: 64496}, provider: []uint32{3, 64500}}},
		{"ASPA, withdrawn", encodeASPA(ASPA{Customer: 64496}, false), pdu{version: 2, kind: aspaRecord, aspa: aspaKey{customer: 64496}}},
		{"ASPA of AS0", encodeASPA(ASPA{64496, []uint32{0}}, true), pdu{version: 2, kind: aspaRecord, session: 0x100, announce: true, aspa: aspaKey{customer: 64496}, provider: []uint32{0}}},
		{"ASPA, out of order", encodeASPA(ASPA{64496, []uint32{7, 3}}, true), pdu{version: 2, kind: aspaRecord, session: 0x100, announce: true, aspa: aspaKey{customer: 64496}, provider: []uint32{3, 7}}},
		{"old ASPA of IPv6", encodeOldASPA(ASPA{64496, []uint32{3}}, 1, true), pdu{version: 2, kind: aspaRecord, announce: true, aspa: aspaKey{64496, 2}, provider: []uint32{3}}},
		{"old ASPA of IPv4, withdrawn", encodeOldASPA(ASPA{Customer: 64496}, 0, false), pdu{version: 2, kind: aspaRecord, aspa: aspaKey{64496, 1}}},
		{"old ASPA, withdrawn with its providers", encodeOldASPA(ASPA{64496, []uint32{3, 4}}, 0, false), pdu{version: 2, kind: aspaRecord, aspa: aspaKey{64496, 1}, provider: []uint32{3, 4}}},
		{"old End of Data", encodeEnd(0, 7, 9), pdu{kind: endOfData, session: 7, serial: 9, timing: defaultTiming}},
		{"End of Data", encodeEnd(2, 7, 9), pdu{version: 2, kind: endOfData, session: 7, serial: 9, timing: timing{time.Hour, 10 * time.Minute, 2 * time.Hour}}},
		{"End of Data out of all ranges", encode(1, endOfData, 7, u32(9), u32(0), u32(1<<31), u32(1)),
			pdu{version: 1, kind: endOfData, session: 7, serial: 9, timing: timing{time.Second, 2 * time.Hour, 10 * time.Minute}}},
		{"End of Data that expires before the refresh", encode(1, endOfData, 7, u32(9), u32(7200), u32(600), u32(3600)),
			pdu{version: 1, kind: endOfData, session: 7, serial: 9, timing: timing{30 * time.Minute, 10 * time.Minute, time.Hour}}},
		{"error report", encodeReport(1, noDataAvailable, "none yet"), pdu{version: 1, kind: errorReport, session: 2, text: "none yet"}},
		{"error report without text", encode(0, errorReport, 1, u32(0), u32(0)), pdu{kind: errorReport, session: 1}},
		{"error report of a version to come", encodeReport(9, unsupportedVersion, ""), pdu{version: 9, kind: errorReport, session: 4}},
		{"router key", encodeKey(1), pdu{version: 1, kind: routerKey, session: 0x100}},
	} {
		got, fault := parsePDU(row.raw)
		got.raw = nil
		if fault != nil || !equalPDU(got, row.want) {
			t.Errorf("%s: %+v, %v, want %+v", row.about, got, fault, row.want)
		}
	}
}

func equalPDU(a, b pdu) bool {
	return a.version == b.version && a.kind == b.kind && a.session == b.session && a.serial == b.serial && a.timing == b.timing &&
		a.announce == b.announce && a.vrp == b.vrp && a.aspa == b.aspa && slices.Equal(a.provider, b.provider) && a.text == b.text
}

func TestBadPDU(t *testing.T) {
	for _, row := range []struct {
		about string
		raw   []byte
		code  errorCode
	}{
		{"an unknown type", encode(2, 12, 0), unsupportedPDUType},
		{"type 5", encode(1, 5, 0), unsupportedPDUType},
		{"an ASPA in version 1", encode(1, aspaRecord, 0x100, u32(1), u32(2)), unsupportedPDUType},
		{"a router key in version 0", encodeKey(0), unsupportedPDUType},
		{"an unknown version", encode(3, cacheResponse, 0), unsupportedVersion},
		{"a short prefix", encode(1, ipv4Prefix, 0, make([]byte, 11)), corruptData},
		{"an IPv6 prefix with IPv4's size", encode(1, ipv6Prefix, 0, make([]byte, 12)), corruptData},
		{"host bits", encode(1, ipv4Prefix, 0, []byte{1, 24, 24, 0}, []byte{192, 0, 2, 1}, u32(1)), corruptData},
		{"a maximum length below the length", encode(1, ipv4Prefix, 0, []byte{1, 24, 23, 0}, []byte{192, 0, 2, 0}, u32(1)), corruptData},
		{"a maximum length of 33", encode(1, ipv4Prefix, 0, []byte{1, 24, 33, 0}, []byte{192, 0, 2, 0}, u32(1)), corruptData},
		{"a length of 33", encode(1, ipv4Prefix, 0, []byte{1, 33, 33, 0}, []byte{192, 0, 2, 0}, u32(1)), corruptData},
		{"an End of Data of version 0 in version 1", encode(1, endOfData, 1, u32(1)), corruptData},
		{"an ASPA without providers", encodeASPA(ASPA{Customer: 1}, true), aspaProviderListError},
		{"an ASPA with AS 0 beside others", encodeASPA(ASPA{1, []uint32{0, 2}}, true), aspaProviderListError},
		{"an ASPA with a provider twice", encodeASPA(ASPA{1, []uint32{2, 2}}, true), aspaProviderListError},
		{"an ASPA of AS 0", encodeASPA(ASPA{0, []uint32{2}}, true), corruptData},
		{"an ASPA without a customer", encode(2, aspaRecord, 0x100), corruptData},
		{"half a provider", encode(2, aspaRecord, 0x100, u32(1), []byte{0, 0}), corruptData},
		{"a withdrawn ASPA with providers", encodeASPA(ASPA{1, []uint32{2}}, false), corruptData},
		{"an old ASPA whose count lies", encode(2, aspaRecord, 0, []byte{1, 0, 0, 9}, u32(1), u32(2)), corruptData},
		{"an error report that quotes beyond its end", encode(1, errorReport, 0, u32(100)), corruptData},
		{"a short router key", encode(1, routerKey, 0, make([]byte, 23)), corruptData},
	} {
		if _, fault := parsePDU(row.raw); fault == nil || fault.code != row.code {
			t.Errorf("%s: %v, want %v", row.about, fault, row.code)
		}
	}
}

func TestReader(t *testing.T) {
	stream := slices.Concat(encodeVRP(1, vrp("192.0.2.0/24", 24, 1), true), encode(1, cacheReset, 0), encodeReport(1, internalError, string(make([]byte, 60000))))
	in := newPDUReader(iotest.OneByteReader(bytes.NewReader(stream)))
	for _, want := range []pduType{ipv4Prefix, cacheReset, errorReport} {
		if p, err := in.next(); err != nil || p.kind != want {
			t.Fatalf("PDU type %d, %v, want %d", p.kind, err, want)
		}
	}
	if _, err := in.next(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	for _, size := range []uint32{0, 7, pduMax + 1, 1<<32 - 1} {
		var fault *protocolError
		if _, err := newPDUReader(bytes.NewReader(append([]byte{1, 4, 0, 0}, u32(size)...))).next(); !errors.As(err, &fault) || fault.code != corruptData {
			t.Errorf("a PDU that claims %d bytes: %v", size, err)
		}
	}
	if _, err := newPDUReader(bytes.NewReader(encode(1, cacheReset, 0)[:5])).next(); err != io.ErrUnexpectedEOF {
		t.Errorf("a torn header: %v", err)
	}
	if _, err := newPDUReader(bytes.NewReader(encodeKey(1)[:20])).next(); err != io.ErrUnexpectedEOF {
		t.Errorf("a torn PDU: %v", err)
	}
}

// TestErrorReport shows that what we send can be read, is bounded, and names no code that the version does not know.
func TestErrorReport(t *testing.T) {
	for _, row := range []struct {
		version    uint8
		code, want errorCode
	}{{2, aspaProviderListError, 9}, {1, aspaProviderListError, corruptData}, {1, unexpectedVersion, 8}, {0, unexpectedVersion, corruptData}, {0, duplicateAnnouncement, 7}} {
		raw := appendReport(nil, row.version, &protocolError{row.code, make([]byte, pduMax), string(bytes.Repeat([]byte("x"), 1000))})
		p, fault := parsePDU(raw)
		if fault != nil || errorCode(p.session) != row.want || len(raw) > 1024 {
			t.Errorf("code %d of version %d: %d bytes, code %d, %v", row.code, row.version, len(raw), p.session, fault)
		}
	}
}

func FuzzPDU(f *testing.F) {
	v := vrp("192.0.2.0/24", 24, 64496)
	f.Add(load(2, 7, 1, encodeVRP(2, v, true), encodeASPA(ASPA{1, []uint32{2, 3}}, true), encodeKey(2)))
	f.Add(load(1, 7, 1, encodeVRP(1, vrp("2001:db8::/32", 48, 0), true)))
	f.Add(load(0, 7, 1, encodeVRP(0, v, true), encodeVRP(0, v, false)))
	f.Add(slices.Concat(load(2, 7, 1, encodeOldASPA(ASPA{1, []uint32{2}}, 1, true)), encode(2, serialNotify, 7, u32(2))))
	f.Add(encodeReport(0, unsupportedVersion, "no"))
	f.Add([]byte{2, 4, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Fuzz(func(t *testing.T, stream []byte) {
		in, talk := newPDUReader(bytes.NewReader(stream)), conversation{version: newestVersion}
		talk.query()
		for {
			p, err := in.next()
			if err != nil {
				return
			}
			_, done, err := talk.receive(&p, time.Unix(0, 0))
			if err != nil {
				return
			}
			if done != nil {
				if !slices.IsSortedFunc(done.vrps, VRP.Compare) || !slices.IsSortedFunc(done.aspas, heldASPA.compare) {
					t.Fatal("a holding out of order")
				}
				NewSet(slices.Clone(done.vrps), slices.Clone(done.united))
				talk.query()
			}
		}
	})
}
