package config

import (
	"net/netip"
	"testing"
	"testing/fstest"
	"time"
)

// files makes a file system of names and contents in turn.
func files(pairs ...string) fstest.MapFS {
	fsys := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		fsys[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1]), Mode: 0o600}
	}
	return fsys
}

const daemonTable = `
[daemon]
asn = 64512
router_id = "192.0.2.10"
`

// mustLoad loads a.toml, which must have no problem at all.
func mustLoad(t *testing.T, fsys fstest.MapFS) *Config {
	t.Helper()
	cfg, problems := Load(fsys, "a.toml")
	for _, p := range problems {
		t.Error(p)
	}
	if cfg == nil {
		t.Fatal("no configuration")
	}
	return cfg
}

func TestBuiltinDefaults(t *testing.T) {
	cfg := mustLoad(t, files("a.toml", daemonTable+`
[[peer]]
name = "edge1"
address = "192.0.2.1"
asn = 64500
relationship = "provider"
`))
	p := cfg.Peers[0]
	if p.LocalASN != 64512 || p.Port != 179 || p.TTL != 64 || p.HoldTime != 90*time.Second || !p.AddPath || !p.Enabled {
		t.Errorf("peer: %+v", p)
	}
	if cfg.Daemon.HTTP != netip.MustParseAddrPort("127.0.0.1:9479") || cfg.Log.Level != "info" {
		t.Errorf("daemon %+v, log %+v", cfg.Daemon, cfg.Log)
	}
	if cfg.Detect.AbsenceHold != 30*time.Second || cfg.Probe.Packets != 5 || cfg.Retention.Events != 90*24*time.Hour {
		t.Errorf("detect %+v, probe %+v, retention %+v", cfg.Detect, cfg.Probe, cfg.Retention)
	}
}
