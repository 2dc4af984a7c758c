package source

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"peervane/bgp"
)

// risMessage is one message of RIS Live (https://ris-live.ripe.net/manual/), as its server sends it or without the
// "ris_message" around it.
type risMessage struct {
	at        time.Time
	host      string // the collector
	peer      mrtPeer
	typ       string // "UPDATE", "RIS_PEER_STATE", or another that does not concern us
	state     string // "connected", "down"
	attrs     risAttrs
	announced []risRoutes
	withdrawn []netip.Prefix
	raw       string // the BGP message in hexadecimal; may be empty
}

// risRoutes are the prefixes announced with one next hop.
type risRoutes struct {
	nextHop  netip.Addr
	prefixes []netip.Prefix
}

// risAttrs are the attributes that RIS Live decodes.
type risAttrs struct {
	path        *bgp.Path
	origin      bgp.Origin
	med         *uint32
	aggregator  bgp.Aggregator
	communities []bgp.Community
}

// Types of RIS messages, and the states of RIS_PEER_STATE.
const (
	risUpdate    = "UPDATE"
	risPeerState = "RIS_PEER_STATE"
	risConnected = "connected"
	risDown      = "down"
)

// risEnvelope and risData are the JSON.
type risEnvelope struct {
	Type string          `json:"type"`
	Data json.RawMessage `json:"data"`
}

type risData struct {
	Timestamp     json.Number `json:"timestamp"`
	Peer          netip.Addr  `json:"peer"`
	PeerASN       risASN      `json:"peer_asn"`
	Host          string      `json:"host"`
	Type          string      `json:"type"`
	State         string      `json:"state"`
	Path          risPath     `json:"path"`
	Community     [][]uint32  `json:"community"`
	Origin        string      `json:"origin"`
	MED           *uint32     `json:"med"`
	Aggregator    string      `json:"aggregator"`
	Announcements []struct {
		NextHop  string         `json:"next_hop"`
		Prefixes []netip.Prefix `json:"prefixes"`
	} `json:"announcements"`
	Withdrawals []netip.Prefix `json:"withdrawals"`
	Raw         string         `json:"raw"`
}

// errNotRIS says that a line is JSON, but no message of a peer.
var errNotRIS = errors.New("no message of a peer")

// parseRIS reads one line.
func parseRIS(line []byte) (*risMessage, error) {
	var outer risEnvelope
	if err := json.Unmarshal(line, &outer); err != nil {
		return nil, jsonFault(err)
	}
	if outer.Data != nil {
		if outer.Type != "ris_message" {
			return nil, fmt.Errorf("%q: %w", outer.Type, errNotRIS)
		}
		line = outer.Data
	}
	var d risData
	if err := json.Unmarshal(line, &d); err != nil {
		return nil, jsonFault(err)
	}
	if d.Timestamp == "" || !d.Peer.IsValid() {
		return nil, errNotRIS
	}
	return d.message()
}

// jsonFault says of what cannot be read what of the message is wrong, not what of this program.
func jsonFault(err error) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is no JSON: %w", err)
	case errors.As(err, &mismatch):
		return fmt.Errorf("%s has the wrong type, %s", cmp.Or(mismatch.Field, "the message"), mismatch.Value)
	}
	return err
}

func (d *risData) message() (*risMessage, error) {
	at, err := parseTimestamp(d.Timestamp.String())
	if err != nil {
		return nil, err
	}
	m := &risMessage{
		at: at, host: strings.TrimSuffix(d.Host, ".ripe.net"), peer: mrtPeer{d.Peer.WithZone(""), uint32(d.PeerASN)},
		typ: d.Type, state: d.State, raw: d.Raw,
		attrs: risAttrs{path: bgp.NewPath(d.Path), origin: risOrigin(d.Origin), med: d.MED, aggregator: risAggregator(d.Aggregator)},
	}
	for _, pair := range d.Community {
		if len(pair) != 2 || pair[0] > 0xffff || pair[1] > 0xffff {
			return nil, fmt.Errorf("community %v is not a pair of 16-bit numbers", pair)
		}
		m.attrs.communities = append(m.attrs.communities, bgp.Community(pair[0]<<16|pair[1]))
	}
	if m.withdrawn, err = masked(d.Withdrawals); err != nil {
		return nil, err
	}
	for _, a := range d.Announcements {
		prefixes, err := masked(a.Prefixes)
		if err != nil {
			return nil, err
		}
		m.announce(risNextHop(a.NextHop), prefixes)
	}
	return m, nil
}

// announce adds routes. A link-local next hop beside a global one comes as an announcement of its own, of the same
// prefixes; they are the same routes (RFC 2545).
func (m *risMessage) announce(nextHop netip.Addr, prefixes []netip.Prefix) {
	if n := len(m.announced); n > 0 && nextHop.IsLinkLocalUnicast() && slices.Equal(prefixes, m.announced[n-1].prefixes) {
		return
	}
	m.announced = append(m.announced, risRoutes{nextHop, prefixes})
}

// masked refuses null among prefixes, and clears the bits beyond their lengths.
func masked(prefixes []netip.Prefix) ([]netip.Prefix, error) {
	for i, p := range prefixes {
		if !p.IsValid() {
			return nil, errors.New("a prefix is empty")
		}
		prefixes[i] = p.Masked()
	}
	return prefixes, nil
}

// parseTimestamp reads seconds with up to nine decimals, digit by digit: a float would round.
func parseTimestamp(s string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseUint(whole, 10, 40)
	if err != nil {
		return time.Time{}, fmt.Errorf("timestamp %q is not a plain decimal number of seconds", s)
	}
	nanos := 0
	if fraction != "" {
		digits := (fraction + "00000000")[:9]
		if nanos, err = strconv.Atoi(digits); err != nil || nanos < 0 {
			return time.Time{}, fmt.Errorf("timestamp %q is not a plain decimal number of seconds", s)
		}
	}
	return time.Unix(int64(seconds), int64(nanos)).UTC(), nil
}

func risOrigin(s string) bgp.Origin {
	switch strings.ToLower(s) {
	case "igp":
		return bgp.OriginIGP
	case "egp":
		return bgp.OriginEGP
	}
	return bgp.OriginIncomplete
}

// risAggregator reads ASN:ADDRESS; anything else is none.
func risAggregator(s string) bgp.Aggregator {
	asn, addr, _ := strings.Cut(s, ":")
	n, err := strconv.ParseUint(asn, 10, 32)
	a, err2 := netip.ParseAddr(addr)
	if err != nil || err2 != nil {
		return bgp.Aggregator{}
	}
	return bgp.Aggregator{ASN: uint32(n), Addr: a}
}

// risNextHop takes the first of next hops, which newer servers separate by commas; one that cannot be read is none.
func risNextHop(s string) netip.Addr {
	first, _, _ := strings.Cut(s, ",")
	a, _ := netip.ParseAddr(first)
	return a.WithZone("")
}

// risASN is a number, or a string that holds one.
type risASN uint32

// UnmarshalJSON implements json.Unmarshaler.
func (a *risASN) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseUint(string(bytes.Trim(b, `"`)), 10, 32)
	if err != nil {
		return fmt.Errorf("%s is not an ASN", b)
	}
	*a = risASN(n)
	return nil
}

// risPath is a list of ASNs in which a list is an AS_SET.
type risPath []bgp.Segment

// UnmarshalJSON implements json.Unmarshaler.
func (p *risPath) UnmarshalJSON(b []byte) error {
	var elements []json.RawMessage
	if err := json.Unmarshal(b, &elements); err != nil {
		return err
	}
	*p = nil
	for _, e := range elements {
		if len(e) > 0 && e[0] == '[' {
			var set []risASN
			if err := json.Unmarshal(e, &set); err != nil {
				return err
			}
			*p = append(*p, bgp.Segment{Type: bgp.ASSet, ASNs: asns(set)})
			continue
		}
		var asn risASN
		if err := asn.UnmarshalJSON(e); err != nil {
			return err
		}
		p.push(uint32(asn))
	}
	return nil
}

// push adds an ASN to the sequence at the end.
func (p *risPath) push(asn uint32) {
	if n := len(*p); n > 0 && (*p)[n-1].Type == bgp.ASSequence {
		(*p)[n-1].ASNs = append((*p)[n-1].ASNs, asn)
		return
	}
	*p = append(*p, bgp.Segment{Type: bgp.ASSequence, ASNs: []uint32{asn}})
}

func asns(list []risASN) []uint32 {
	out := make([]uint32, len(list))
	for i, a := range list {
		out[i] = uint32(a)
	}
	return out
}

// risReader reads a file of JSON lines.
type risReader struct {
	file   *file
	offset int64 // where the next line begins
	start  int64 // where this one began
	line   int
	buf    []byte
	msg    *risMessage
}

const maxRISLine = 4 << 20 // a message of 64 KiB in hexadecimal, with all its prefixes decoded, is under 1 MiB

func (r *risReader) tell(to *recorder) error { return to.ris(r.msg) }
func (r *risReader) print(to *dumper) error  { return to.ris(r.msg) }

// next reads the next line that is a message of a peer.
func (r *risReader) next(bad func(error), ignored func(string)) (time.Time, error) {
	for {
		ended, err := r.readLine()
		if err != nil {
			return time.Time{}, err
		}
		text := bytes.TrimSpace(r.buf)
		if len(text) == 0 && ended {
			return time.Time{}, io.EOF
		}
		if len(text) == 0 {
			continue
		}
		msg, err := parseRIS(text)
		switch {
		case err == nil:
			r.msg = msg
			return msg.at, nil
		case errors.Is(err, errNotRIS):
			ignored(err.Error())
		case ended && cutShort(err, text):
			return time.Time{}, r.error(fmt.Errorf("%w (%w)", ErrTruncated, err))
		default:
			bad(r.error(err))
		}
	}
}

// cutShort says whether JSON is only wrong for its end.
func cutShort(err error, text []byte) bool {
	var syntax *json.SyntaxError
	return errors.As(err, &syntax) && syntax.Offset >= int64(len(text))
}

// readLine reads one line, with its newline, into buf; ended says that there was no newline any more.
func (r *risReader) readLine() (ended bool, err error) {
	r.buf, r.start = r.buf[:0], r.offset
	r.line++
	for {
		part, err := r.file.ReadSlice('\n')
		r.offset += int64(len(part))
		r.buf = append(r.buf, part...)
		switch {
		case err == nil:
			return false, nil
		case err == io.EOF:
			return true, nil
		case errors.Is(err, bufio.ErrBufferFull) && len(r.buf) <= maxRISLine:
		case errors.Is(err, bufio.ErrBufferFull):
			return false, r.error(fmt.Errorf("%w: a line of more than %d bytes cannot be", ErrCorrupt, maxRISLine))
		default:
			return false, r.error(streamError(err))
		}
	}
}

func (r *risReader) error(err error) error {
	return &Error{File: r.file.name, Offset: r.start, Line: r.line, Err: err}
}
