package daemon

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp/rpki"
	"peervane/config"
)

// validating runs a validation that has its files in a folder.
func validating(t *testing.T) (v *validation, dir string) {
	v = newValidation(zap.NewNop(), make(chan struct{}, 1))
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- v.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return v, t.TempDir()
}

// next waits for a set that is another than the one before.
func (v *validation) next(t *testing.T, before *rpki.Set) *rpki.Set {
	t.Helper()
	for deadline := time.After(time.Minute); ; {
		if set := v.last.Load(); set != nil && set != before {
			return set
		}
		select {
		case <-v.wake:
		case <-deadline:
			t.Fatal("no other set comes")
		}
	}
}

// with waits for a set of so many VRPs.
func (v *validation) with(t *testing.T, vrps int) (set *rpki.Set) {
	t.Helper()
	for set = v.next(t, nil); ; set = v.next(t, set) {
		if n, _ := set.Size(); n == vrps {
			return set
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A reload reads the exceptions again; of other sources the data before stands in; without sources there is none.
func TestReloadOfValidation(t *testing.T) {
	v, dir := validating(t)
	cfg := config.RPKI{File: filepath.Join(dir, "rpki.json"), SLURM: filepath.Join(dir, "slurm.json"), StaleAfter: 2 * time.Hour}
	slurm := func(assertions string) string {
		return `{"slurmVersion": 1, "validationOutputFilters": {"prefixFilters": [], "bgpsecFilters": []},` +
			`"locallyAddedAssertions": {"prefixAssertions": [` + assertions + `], "bgpsecAssertions": []}}`
	}
	writeFile(t, cfg.File, `{"roas": [{"prefix": "203.0.113.0/24", "asn": 64496}]}`)
	writeFile(t, cfg.SLURM, slurm(""))
	v.set(cfg)
	v.with(t, 1)
	writeFile(t, cfg.SLURM, slurm(`{"asn": 64496, "prefix": "198.51.100.0/24"}`))
	v.set(cfg)
	both := v.with(t, 2)
	cfg.File = filepath.Join(dir, "none.json")
	v.set(cfg)
	if n, _ := v.next(t, both).Size(); n != 2 {
		t.Errorf("while other sources load, %d VRPs stand", n)
	}
	v.set(config.RPKI{})
	v.with(t, 0)
}

// What is shown of the RPKI data is what is in force, and what fails.
func TestPictureOfRPKI(t *testing.T) {
	v, dir := validating(t)
	if v.picture() != nil {
		t.Error("without a source something is shown")
	}
	built := time.Now().Add(-time.Hour).Truncate(time.Second)
	file, slurm := filepath.Join(dir, "rpki.json"), filepath.Join(dir, "slurm.json")
	writeFile(t, file, fmt.Sprintf(`{"metadata": {"buildtime": %q}, "roas": [{"prefix": "203.0.113.0/24", "asn": 64496}], "aspas": []}`, built.UTC().Format(time.RFC3339)))
	v.set(config.RPKI{File: file, SLURM: slurm, StaleAfter: 2 * time.Hour})
	v.with(t, 1)
	p := v.picture()
	if p.VRPs.Source != file || !p.VRPs.At.Equal(built) || p.ASPAs.Records != 0 || p.ASPAs.Source != "" || !p.ASPAs.At.IsZero() {
		t.Errorf("shown: %+v", p)
	}
	if len(p.Errors) != 1 || !strings.Contains(p.Errors[0], slurm) {
		t.Errorf("errors: %q", p.Errors)
	}
}

// Other ASPAs have whole tables judged anew; VRPs say nothing of leaks.
func TestASPAsJudgeWholeTables(t *testing.T) {
	w := newWorld(t, twoPeers())
	l := &loop{Daemon: &Daemon{engine: w.engine, peers: newPeers(zap.NewNop(), make(chan struct{}, 1)), feeds: newFeeds(zap.NewNop(), make(chan struct{}, 1)), rpki: newValidation(zap.NewNop(), make(chan struct{}, 1))}}
	for _, c := range []struct {
		set  *rpki.Set
		want bool
	}{
		{vrps(64496, start, "203.0.113.0/24"), false},
		{rpki.NewSet(nil, []rpki.ASPA{{Customer: 64496, Providers: []uint32{64500}}}), true},
	} {
		l.rpki.fresh.Store(c.set)
		l.take()
		if judged := l.peers.leaks != nil; judged != c.want {
			t.Errorf("whole tables are judged anew: %t, want %t", judged, c.want)
		}
	}
}
