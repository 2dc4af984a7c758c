package bgp

import (
	"fmt"
	"net/netip"
)

// Relationship is what a neighbour is to us.
type Relationship uint8

// The relationships, named as the configuration names them. The zero value is a collector's peer: nothing is known of its role towards us.
const (
	Collector Relationship = iota
	Provider
	Peer
	Customer
	RouteServer
	RSClient
	Internal
)

var relationshipNames = [...]string{"collector", "provider", "peer", "customer", "route-server", "rs-client", "internal"}

func (r Relationship) String() string { return relationshipNames[r] }

// ParseRelationship reads a relationship's name.
func ParseRelationship(s string) (Relationship, error) {
	for i, name := range relationshipNames {
		if s == name {
			return Relationship(i), nil
		}
	}
	return 0, fmt.Errorf("unknown relationship %q: use one of %v", s, relationshipNames)
}

// Vantage is a peer that shows us its routes: one of our own sessions, or a peer of a feed or recording. It is an
// identity, compared by pointer; whoever opens a source makes each of its vantages once.
type Vantage struct {
	Name         string // unique: the peer's name, or COLLECTOR/ADDRESS/ASN
	Collector    string // the feed or recording; empty for our own sessions
	Addr         netip.Addr
	ASN          uint32
	LocalASN     uint32 // ours on this session; 0 for a collector's peer
	Relationship Relationship
	Relived      bool // told by a recording of a live daemon, and judged as it was there
}

// Own says whether the vantage is one of our own sessions.
func (v *Vantage) Own() bool { return v.Collector == "" }

// Key is what min_vantages counts: our own peers once each, collectors' peers once per ASN.
func (v *Vantage) Key() string {
	if v.Own() {
		return v.Name
	}
	return fmt.Sprintf("AS%d", v.ASN)
}
