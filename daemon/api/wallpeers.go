package api

import (
	"fmt"
	"slices"

	"peervane/daemon/notice"
)

// wallPeer is one session.
type wallPeer struct {
	Name, Address, Relationship, State, For string
	ASN                                     uint32
	Grade                                   grade
	IPv4, IPv6                              string
	LastError                               string
}

// peerGrade says whether a session shows us all its routes.
func peerGrade(p *Peer) grade {
	if p.State != "Established" {
		return wrong
	}
	for family, spoken := range p.Spoken {
		if spoken && !p.InSync[family] {
			return unsure
		}
	}
	return well
}

// showPeers gives the sessions, those with trouble first.
func showPeers(peers []Peer, now notice.Time) (out []wallPeer, more int) {
	peers = slices.Clone(peers)
	slices.SortStableFunc(peers, func(a, b Peer) int { return worseFirst(peerGrade(&a), peerGrade(&b)) })
	for i := range peers[:min(len(peers), mostPeers)] {
		p := &peers[i]
		shown := wallPeer{
			Name: p.Name, Address: p.Address.String(), ASN: p.ASN, Relationship: p.Relationship, State: p.State, For: span(p.Since, now),
			Grade: peerGrade(p), IPv4: heldBy(p, "ipv4"), IPv6: heldBy(p, "ipv6"),
		}
		if p.State != "Established" {
			shown.LastError = brief(p.LastError)
		}
		out = append(out, shown)
	}
	return out, len(peers) - len(out)
}

// heldBy says how many routes of a family a session shows.
func heldBy(p *Peer, family string) string {
	n := p.Routes[family]
	switch up := p.State == "Established"; {
	case !up && n == 0, up && !p.Spoken[family]:
		return "–"
	case !up:
		return fmt.Sprintf("%d, stale", n)
	case !p.InSync[family]:
		return fmt.Sprintf("%d, not in sync", n)
	}
	return fmt.Sprint(n)
}
