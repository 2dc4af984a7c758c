package config

import (
	"net/netip"
	"time"
)

var probeSchema = schema[Probe]{
	name:  "probe",
	title: "[probe]",
	rows: []key[Probe]{
		field("interval", func(p *Probe) *time.Duration { return &p.Interval }, span(time.Second, time.Hour), 10*time.Second),
		field("packets", func(p *Probe) *int { return &p.Packets }, number(1, 100), 5),
		field("spacing", func(p *Probe) *time.Duration { return &p.Spacing }, span(time.Millisecond, time.Minute), 100*time.Millisecond),
		field("timeout", func(p *Probe) *time.Duration { return &p.Timeout }, span(10*time.Millisecond, time.Minute), 2*time.Second),
		field("sources", func(p *Probe) *[]netip.Addr { return &p.Sources }, setOf(unicast), nil),
		field("interface", func(p *Probe) *string { return &p.Interface }, device, ""),
		field("dscp", func(p *Probe) *int { return &p.DSCP }, number(0, 63), 0),
		field("burst", func(p *Probe) *bool { return &p.Burst }, boolean, true),
		field("latitude", func(p *Probe) *float64 { return &p.Latitude }, degrees(90), 0),
		field("longitude", func(p *Probe) *float64 { return &p.Longitude }, degrees(180), 0),
		field("trace_interval", func(p *Probe) *time.Duration { return &p.TraceInterval }, offOr(time.Second, 24*time.Hour), 10*time.Minute),
	},
	check: checkProbe,
}

// checkProbe wants a batch sent before the next one begins.
func checkProbe(l *loading, p *Probe, it item) {
	p.Located = l.located(it)
	batch := time.Duration(p.Packets) * p.Spacing
	if batch < p.Interval || len(it.bad) > 0 {
		return
	}
	at := it.at("spacing")
	if !it.has("spacing") {
		at = it.at("packets")
	}
	l.fail(at, "%d packets, %s apart, take the whole interval of %s; send fewer, closer together, or less often",
		p.Packets, formatSpan(p.Spacing), formatSpan(p.Interval))
}

var popSchema = schema[POP]{
	name:  "pop",
	title: "[[pop]]",
	rows: []key[POP]{
		identify("name", func(p *POP) *string { return &p.Name }, itemName, `write how it is called, name = "par1"`),
		field("service", func(p *POP) *string { return &p.Service }, itemName, "edge"),
		required(custom("address", setPOPAddress), `write where to probe, address = "198.51.100.1"`),
		field("icmp", func(p *POP) *bool { return &p.ICMP }, boolean, true),
		field("tcp", func(p *POP) *[]uint16 { return &p.TCP }, setOf(portNumber), nil),
		field("city", func(p *POP) *string { return &p.City }, text, ""),
		field("latitude", func(p *POP) *float64 { return &p.Latitude }, degrees(90), 0),
		field("longitude", func(p *POP) *float64 { return &p.Longitude }, degrees(180), 0),
	},
	check: checkPOP,
}

// setPOPAddress takes an address, or a host name to resolve.
func setPOPAddress(l *loading, p *POP, v value) {
	s, _ := v.raw.(string)
	p.Address, p.Host = netip.Addr{}, ""
	if isHostName(s) {
		p.Host = s
		return
	}
	if _, err := netip.ParseAddr(s); err != nil {
		wrong[string](l, v, `an address or a host name, such as "198.51.100.1" or "par1.example.net"`)
		return
	}
	p.Address, _ = unicast(l, v)
}

func checkPOP(l *loading, p *POP, it item) {
	p.Located = l.located(it)
	if !p.ICMP && len(p.TCP) == 0 && it.has("icmp") {
		l.fail(it.at("icmp"), "nothing probes this POP; set icmp = true, or ports to connect to, tcp = [443]")
	}
}

// located says whether a place is given; half of one is a mistake.
func (l *loading) located(it item) bool {
	latitude, longitude := it.has("latitude"), it.has("longitude")
	if latitude != longitude {
		given, missing := "latitude", "longitude"
		if longitude {
			given, missing = missing, given
		}
		l.fail(it.at(given), "%s stands without %s; write both, or none", given, missing)
	}
	return latitude && longitude
}

func (l *loading) pops() []POP {
	pops, items := readEach(l, &popSchema, popSchema.base(l, l.tables.defaults["pop"]))
	names := make([]string, len(pops))
	for i := range pops {
		names[i] = pops[i].Name
	}
	l.unique("POP", items, names)
	return pops
}
