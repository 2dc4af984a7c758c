package config

import (
	"net/netip"
	"time"
)

var daemonSchema = schema[Daemon]{
	name:  "daemon",
	title: "[daemon]",
	rows: []key[Daemon]{
		field("asn", func(d *Daemon) *uint32 { return &d.ASN }, asn, 0),
		field("router_id", func(d *Daemon) *netip.Addr { return &d.RouterID }, routerID, netip.Addr{}),
		field("listen", func(d *Daemon) *[]netip.AddrPort { return &d.Listen }, setOf(socket), nil),
		field("http", func(d *Daemon) *netip.AddrPort { return &d.HTTP }, socketOrNone, netip.MustParseAddrPort("127.0.0.1:9479")),
		field("state_dir", func(d *Daemon) *string { return &d.StateDir }, filePath, ""),
		field("source", func(d *Daemon) *string { return &d.Source }, text, ""),
	},
	check: checkDaemon,
}

// checkDaemon asks for what every session needs. A recording has none.
func checkDaemon(l *loading, d *Daemon, it item) {
	if l.Recording || l.incomplete {
		return
	}
	if !it.has("asn") {
		l.fail(it.table.keyPos(), "[daemon] has no asn; write your AS number, asn = 64512")
	}
	if !it.has("router_id") {
		l.fail(it.table.keyPos(), `[daemon] has no router_id; write an IPv4 address of this host, router_id = "192.0.2.10"`)
	}
}

var logSchema = schema[Log]{
	name:  "log",
	title: "[log]",
	rows: []key[Log]{
		field("level", func(g *Log) *string { return &g.Level }, oneOf("debug", "info", "warn", "error"), "info"),
		field("format", func(g *Log) *string { return &g.Format }, oneOf("auto", "json", "console"), "auto"),
	},
}

var retentionSchema = schema[Retention]{
	name:  "retention",
	title: "[retention]",
	rows: []key[Retention]{
		field("events", func(r *Retention) *time.Duration { return &r.Events }, span(time.Hour, 3650*day), 90*day),
		field("latency", func(r *Retention) *time.Duration { return &r.Latency }, span(time.Hour, 3650*day), 30*day),
		field("size", func(r *Retention) *int64 { return &r.Size }, byteSize(10e6), 1e9),
	},
}
