package probe

import "net/netip"

// Site is a POP as it is configured: an address, or a name of some.
type Site struct {
	POP     string
	Service string
	Addr    netip.Addr // not valid where Host is given
	Host    string
	ICMP    bool
	TCP     []uint16
}

// Way is what all probes have in common.
type Way struct {
	Sources   []netip.Addr // a target each; those of the other family are left out
	Interface string
	DSCP      uint8
}

// targets are the probes of one address of the site: each method from each
// source. Where no source is of its family, the kernel chooses one.
func (s Site) targets(addr netip.Addr, way Way) []Target {
	var methods []Method
	if s.ICMP {
		methods = append(methods, ICMP)
	}
	for _, port := range s.TCP {
		methods = append(methods, TCP(port))
	}
	var targets []Target
	for _, method := range methods {
		for _, source := range way.sourcesFor(addr) {
			targets = append(targets, Target{
				POP: s.POP, Service: s.Service, Addr: addr, Method: method,
				Source: source, Interface: way.Interface, DSCP: way.DSCP,
			})
		}
	}
	return targets
}

// sourcesFor is never empty.
func (w Way) sourcesFor(addr netip.Addr) []netip.Addr {
	var sources []netip.Addr
	for _, source := range w.Sources {
		if source.Unmap().Is4() == addr.Is4() {
			sources = append(sources, source.Unmap())
		}
	}
	if len(sources) == 0 {
		return []netip.Addr{{}}
	}
	return sources
}
