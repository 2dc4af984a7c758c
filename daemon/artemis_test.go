package daemon

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/config"
	"peervane/daemon/notice"
)

// artemisRules are the rules of ARTEMIS' test configuration that its cases use, in our words: its "neighbors" are
// upstreams, "*" is any, and the policy "no-export" is no_export. One word has no counterpart: AMS-IX' set of peers, which
// its test replaces by AS1, and which a generator must write out here (42 is the one that the case uses).
const artemisRules = `
[[prefix]]
prefix = "10.0.0.0/8"
origins = [1]
upstreams = [2]
[[prefix]]
prefix = "10.0.1.0/24"
any_origin = true
[[prefix]]
prefix = "10.0.2.0/24"
origins = [242]
[[prefix]]
prefix = "10.0.3.0/24"
origins = [243]
[[prefix]]
prefix = "10.0.5.0/24"
origins = [245]
no_export = true
[[prefix]]
prefix = "10.0.30.0/24"
origins = [6777]
upstreams = [42]
[[prefix]]
prefix = "2001:db8:abcd:10::/64"
origins = [777, 888, 999]
[[prefix]]
prefix = "2001:db8:abcd:11::/64"
origins = [777, 888, 999]
[[prefix]]
prefix = "2001:db8:abcd:12::/64"
origins = [777, 888, 999]
`

// artemisDiffers lists, by case and message, where our verdict is another than ARTEMIS', and why.
var artemisDiffers = map[string]struct{ ours, why string }{
	"withdrawn_inorder 5": {
		"origin_change 10.0.0.0/8 AS100",
		"ARTEMIS calls a hijack withdrawn when 80 % of those who saw it no longer do; here it lasts until nobody shows it",
	},
	"withdrawn_threshold 11": {
		"origin_change 10.0.0.0/8 AS100",
		"the same: AS80 never withdrew it",
	},
	"withdrawn_threshold 12": {
		"origin_change 10.0.0.0/8 AS100",
		"AS85 withdraws what it never announced, so AS80 still shows it",
	},
	"prepend_loops 2": {
		"origin_change 10.0.0.0/8 AS102",
		"the one peer announced another path, so nobody shows the first hijack any more; the case does not say what became of it",
	},
}

// artemisCase is one message and what ARTEMIS says of it.
type artemisCase struct {
	Send struct {
		Timestamp float64
		Type      string
		Path      []uint32
		Prefix    netip.Prefix
		PeerASN   uint32 `json:"peer_asn"`
	}
	Detected artemisHijack `json:"detection_hijack_response"`
	Stored   artemisHijack `json:"database_hijack_response"`
}

type artemisHijack struct {
	Prefix   string
	Type     string
	HijackAS uint32 `json:"hijack_as"`
	Active   *bool
}

// String says it in our words. The parts of ARTEMIS' types are prefix, path, data plane and policy.
func (h artemisHijack) String() string {
	kind, known := map[string]string{
		"E|0|-|-": "origin_change", "S|0|-|-": "subprefix", "E|1|-|-": "forged_origin", "E|-|-|L": "route_leak",
	}[h.Type]
	if !known {
		kind = h.Type
	}
	return fmt.Sprintf("%s %s AS%d", kind, h.Prefix, h.HijackAS)
}

// Every case of ARTEMIS gives its verdict here too, after each message, but for the listed differences.
func TestARTEMIS(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(recordedData(t), "vectors", "artemis", "*.json"))
	if err != nil || len(files) < 10 {
		t.Fatalf("%d cases, error %v", len(files), err)
	}
	rules := filepath.Join(t.TempDir(), "c.toml")
	if err := os.WriteFile(rules, []byte(artemisRules), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, problems := config.Loader{Recording: true}.Load(rules)
	if cfg == nil {
		t.Fatal(problems)
	}
	used := map[string]bool{}
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(name, func(t *testing.T) { playARTEMIS(t, cfg, name, file, used) })
	}
	if len(used) != len(artemisDiffers) {
		t.Errorf("of the listed differences only these exist: %v", used)
	}
}

func playARTEMIS(t *testing.T, cfg *config.Config, name, file string, used map[string]bool) {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var cases []artemisCase
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	ours, theirs := map[string]bool{}, map[string]bool{}
	replay, err := NewReplay(cfg, false, func(n notice.Notice) error {
		told := fmt.Sprintf("%s %s AS%d", n.Type, n.Offending, n.CulpritASN)
		ours[told] = n.Status != notice.Resolved
		return nil
	}, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	vantages := map[uint32]*bgp.Vantage{}
	for i, c := range cases {
		at := time.Unix(int64(c.Send.Timestamp), 0).UTC()
		v := vantages[c.Send.PeerASN]
		if v == nil {
			v = &bgp.Vantage{Name: fmt.Sprintf("rrc00/AS%d", c.Send.PeerASN), Collector: "rrc00", ASN: c.Send.PeerASN}
			vantages[v.ASN] = v
			if err := replay.Put(bgp.SessionUp{Vantage: v, At: at, Families: bgp.Families[:], Recorded: true}); err != nil {
				t.Fatal(err)
			}
		}
		change := bgp.Change{Vantage: v, Prefix: c.Send.Prefix, At: at}
		if c.Send.Type == "A" {
			change.Attrs = &bgp.Attrs{Path: bgp.Sequence(c.Send.Path...)}
		}
		if err := replay.Put(change); err != nil {
			t.Fatal(err)
		}
		c.note(theirs)
		key, want := fmt.Sprintf("%s %d", name, i+1), standing(theirs)
		if differs, listed := artemisDiffers[key]; listed {
			used[key], want = true, differs.ours
		}
		if got := standing(ours); got != want {
			t.Errorf("message %d, %s of %v: %q, ARTEMIS says %q", i+1, c.Send.Prefix, c.Send.Path, got, want)
		}
	}
}

// note keeps which hijacks ARTEMIS holds for active. Where an answer names none, it is about the one that there is.
func (c artemisCase) note(active map[string]bool) {
	if c.Stored.Active == nil {
		return
	}
	hijack := artemisHijack{
		Prefix:   cmp.Or(c.Stored.Prefix, c.Detected.Prefix),
		Type:     cmp.Or(c.Stored.Type, c.Detected.Type),
		HijackAS: cmp.Or(c.Stored.HijackAS, c.Detected.HijackAS),
	}
	name := hijack.String()
	if hijack.Prefix == "" {
		name = standing(active)
	}
	active[name] = *c.Stored.Active
}

func standing(active map[string]bool) string {
	var names []string
	for name, stands := range active {
		if stands {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
