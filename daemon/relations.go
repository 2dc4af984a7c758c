package daemon

import (
	"peervane/bgp/detect"
	"peervane/config"
	"peervane/daemon/api"
)

// relate tells the detectors what is known of how networks relate to each other.
func relate(s *detect.Settings, d *config.Detect) {
	s.Tier1, s.Peerlock = detect.Tier1(d.Tier1), map[uint32][]uint32{}
	for _, lock := range d.Peerlock {
		s.Peerlock[lock.ASN] = lock.AllowedUpstreams
	}
	if d.Relationships == nil {
		return
	}
	links := make([]detect.Link, len(d.Relationships.Links))
	for i, k := range d.Relationships.Links {
		links[i] = detect.Link(k)
	}
	s.Relationships = detect.NewRelationships(links)
	for _, exchange := range d.Relationships.IXPs {
		s.RouteServers[exchange] = true
	}
}

// pictureOfRelationships shows how far the file of relationships reaches.
func (e *engine) pictureOfRelationships() *api.Relationships {
	if e.cfg.Detect.Relationships == nil {
		return nil
	}
	c := e.verdicts.Coverage()
	return &api.Relationships{Links: len(e.cfg.Detect.Relationships.Links), Pairs: c.Pairs, Known: c.Known}
}
