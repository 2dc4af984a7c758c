package source

import (
	"fmt"
	"net/netip"
	"time"
)

// mrtHandler hears what the records of an MRT file say, in order. What it is given is valid during the call. An error
// of type malformed belongs to the record; any other ends the reading.
type mrtHandler interface {
	message(m *mrtMessage) error
	state(s *mrtState) error
	peerIndex(t *mrtPeerIndex) error
	route(r *mrtRoute) error
	note(n *mrtNote) error
	ignored(what string) // a sound record that holds nothing for us
}

// malformed is an error in one record, after which the next can be read.
type malformed string

func (m malformed) Error() string { return string(m) }

// mrtPeer is a peer of a collector.
type mrtPeer struct {
	addr netip.Addr
	asn  uint32
}

// mrtMessage is one BGP message that a peer sent.
type mrtMessage struct {
	at      time.Time
	old     bool // of the type BGP of 1999
	et      bool // with microseconds
	local   bool // sent to the peer, not by it
	as4     bool // 4-octet ASNs in AS_PATH
	addPath bool
	peer    mrtPeer
	update  []byte // the body of an UPDATE; nil for other messages
}

// mrtState is a change of the state of a session. The states are numbered as in RFC 6396 section 4.4.1.
type mrtState struct {
	at       time.Time
	old, et  bool
	peer     mrtPeer
	from, to uint16
}

const (
	mrtIdle        = 1
	mrtOpenConfirm = 5
	mrtEstablished = 6
)

// mrtPeerIndex is a PEER_INDEX_TABLE: it begins a dump of TABLE_DUMP_V2.
type mrtPeerIndex struct {
	at    time.Time
	peers []mrtPeer
}

// mrtRoute is one entry of a RIB dump.
type mrtRoute struct {
	at         time.Time
	v1         bool // of TABLE_DUMP, not TABLE_DUMP_V2
	as4        bool
	addPath    bool
	peer       mrtPeer
	prefix     netip.Prefix
	pathID     uint32
	originated time.Time
	attrs      []byte // abbreviated (RFC 6396 section 4.3.4)
}

// mrtReader reads one MRT file.
type mrtReader struct {
	mrtFramer
	rec   record
	peers []mrtPeer  // of the latest PEER_INDEX_TABLE
	msg   mrtMessage // what the handler is given, used over and over
	entry mrtRoute
}

func newMRTReader(f *file) *mrtReader { return &mrtReader{mrtFramer: mrtFramer{file: f}} }

func (r *mrtReader) next(func(error), func(string)) (time.Time, error) {
	err := r.frame(&r.rec)
	return r.rec.at, err
}

func (r *mrtReader) tell(to *recorder) error { return r.decode(to) }
func (r *mrtReader) print(to *dumper) error  { return r.decode(to) }

// decode tells h what the record last read says.
func (r *mrtReader) decode(h mrtHandler) error {
	err := r.dispatch(h)
	if bad, ok := err.(malformed); ok {
		return &Error{File: r.file.name, Offset: r.rec.offset, Err: bad}
	}
	return err
}

func (r *mrtReader) dispatch(h mrtHandler) error {
	c := cursor{b: r.rec.body}
	switch r.rec.typ {
	case mrtBGP4MP, mrtBGP4MPET:
		return r.bgp4mp(&c, h)
	case mrtTableDumpV2:
		return r.tableDumpV2(&c, h)
	case mrtTableDump:
		return r.tableDump(&c, h)
	case mrtOldBGP:
		return r.oldBGP(&c, h)
	case mrtTape:
		if r.rec.isNote() {
			return h.note(&mrtNote{r.rec.at, r.rec.subtype, r.rec.body})
		}
	}
	h.ignored(fmt.Sprintf("type %d", r.rec.typ))
	return nil
}
