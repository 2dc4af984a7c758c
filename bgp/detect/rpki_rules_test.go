package detect_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"

	"peervane/bgp"
	"peervane/bgp/rpki"
)

// allow gives VRPs: "PREFIX-MAXLENGTH ASN", each in turn. Without any, the registries know nothing of the prefix.
func (l *lab) allow(list ...string) {
	vrps := []rpki.VRP{{Prefix: netip.MustParsePrefix("192.0.2.0/24"), MaxLength: 24, ASN: 64511}}
	for _, text := range list {
		what, asn, _ := strings.Cut(text, " ")
		prefix, longest, _ := strings.Cut(what, "-")
		vrps = append(vrps, rpki.VRP{Prefix: netip.MustParsePrefix(prefix), MaxLength: uint8(parseASN(longest)), ASN: parseASN(asn)})
	}
	l.settings.RPKI = rpki.NewSet(vrps, nil)
	l.learn()
}

const ours, others = exact + "-24 64496", exact + "-24 64510"

func TestRPKIInvalidRules(t *testing.T) {
	checkRules(t, []rule{
		{"covered by a VRP, matched by none: another origin is allowed", func(l *lab) { provider(l, direct); l.allow(others) },
			[]string{"rpki_invalid error 203.0.113.0/24 AS64496 e1/1"}},
		{"it is too long", func(l *lab) {
			l.reg.Policy.MaxLength = 25
			l.announce(provider(l, direct), half, direct)
			l.allow(ours)
		}, []string{"rpki_invalid error 203.0.113.128/25 AS64496 e1/1"}},
		{"AS0 allows nobody", func(l *lab) { provider(l, direct); l.allow(exact + "-24 0") },
			[]string{"rpki_invalid error 203.0.113.0/24 AS64496 e1/1"}},
		{"an AS_SET matches nothing", func(l *lab) {
			l.reg.Policy.Origins = []uint32{64496, 64497}
			provider(l, "64500 {64496,64497}")
			l.allow(ours)
		}, []string{"rpki_invalid error 203.0.113.0/24 AS64496 e1/1"}},
		{"one that matches is enough", func(l *lab) { provider(l, direct); l.allow(others, ours) }, nil},
		{"covered by none", func(l *lab) { provider(l, direct); l.allow() }, nil},
		{"without data nothing is invalid", func(l *lab) { provider(l, direct); l.settings.RPKI = &rpki.Set{} }, nil},
		{"AS_TRANS is an origin that no VRP names", func(l *lab) { provider(l, "64500 23456"); l.allow(ours) },
			[]string{"rpki_invalid error 203.0.113.0/24 AS64500 e1/1"}},
		{"our own route, behind an internal peer, is ours", func(l *lab) {
			l.reg.Policy.Origins = []uint32{ourASN}
			l.announce(l.peer("core", ourASN, bgp.Internal), exact, "")
			l.allow(exact + "-24 64512")
		}, nil},
		{"so is one of our confederation", func(l *lab) {
			l.reg.Policy.Origins = []uint32{ourASN}
			l.announce(l.peer("core", ourASN, bgp.Internal), exact, "(65001)")
			l.allow(exact + "-24 64512")
		}, nil},
		{"Precedence: a wrong origin, then rpki_invalid", func(l *lab) { provider(l, "64500 65550"); l.allow(ours) },
			[]string{"origin_change critical 203.0.113.0/24 AS65550 e1/1 also rpki_invalid,withdrawn"}},
		{"a forged origin, then rpki_invalid", func(l *lab) {
			l.reg.Policy.Upstreams = []uint32{64501}
			provider(l, direct)
			l.allow(others)
		}, []string{"forged_origin error 203.0.113.0/24 AS64500 e1/1 also rpki_invalid"}},
		{"then the rest", func(l *lab) {
			l.announce(provider(l, direct), half, direct, community(bgp.Blackhole))
			l.allow(ours)
		}, []string{"rpki_invalid error 203.0.113.128/25 AS64496 e1/1 also blackholed,new_more_specific"}},
		{"judged on any path", func(l *lab) {
			l.reg.Policy.Origins = []uint32{64496, 64497}
			l.announce(provider(l, direct), exact, "64500 64501 64502 64497", pathID(1))
			l.allow(ours)
		}, []string{"rpki_invalid error 203.0.113.0/24 AS64497 e1/1"}},
	})
}

func TestRPKIInvalidEvidence(t *testing.T) {
	for _, c := range []struct {
		path string
		vrps []string
		want string
	}{
		{direct, []string{others}, "RPKI invalid (wrong origin): 203.0.113.0/24 from AS64496, covered by VRP 203.0.113.0/24-24 AS64510"},
		{direct, []string{exact + "-24 0"}, "RPKI invalid (AS0: nobody may originate it): 203.0.113.0/24 from AS64496, covered by VRP 203.0.113.0/24-24 AS0"},
		{direct, []string{"203.0.112.0/23-23 64496", others},
			"RPKI invalid (more specific than the maximum length): 203.0.113.0/24 from AS64496, covered by VRP 203.0.113.0/24-24 AS64510, 203.0.112.0/23-23 AS64496"},
		{"64500 {64496,64497}", []string{ours}, "RPKI invalid (the origin is an AS_SET): 203.0.113.0/24 from {64496,64497}, covered by VRP 203.0.113.0/24-24 AS64496"},
		{direct, []string{exact + "-24 1", exact + "-24 2", exact + "-24 3", exact + "-24 4", exact + "-24 5"},
			"RPKI invalid (wrong origin): 203.0.113.0/24 from AS64496, covered by VRP 203.0.113.0/24-24 AS1, 203.0.113.0/24-24 AS2, 203.0.113.0/24-24 AS3, 203.0.113.0/24-24 AS4 and 1 more"},
	} {
		l := newLab(t)
		l.reg.Policy.Origins = []uint32{64496, 64497}
		provider(l, c.path)
		l.allow(c.vrps...)
		f := l.judge()[0]
		if f.Type != "rpki_invalid" || !slices.Contains(f.Hints, c.want) || f.Routes[0].RPKI != "invalid" {
			t.Errorf("%s, %q\n got %s, %q, route %q\nwant %q", c.path, c.vrps, f.Type, f.Hints, f.Routes[0].RPKI, c.want)
		}
	}
}

func TestROALostRules(t *testing.T) {
	valid := func(l *lab) *site { e1 := provider(l, direct); l.allow(ours); return e1 }
	checkRules(t, []rule{
		{"a legitimate route was valid and no longer is, because VRPs went", func(l *lab) { valid(l); l.allow() },
			[]string{"roa_lost warning 203.0.113.0/24 e1/1"}},
		{"it never was", func(l *lab) { provider(l, direct); l.allow() }, nil},
		{"another VRP still allows it", func(l *lab) { valid(l); l.allow("203.0.112.0/22-24 64496") }, nil},
		{"what is left makes it invalid, which is more", func(l *lab) { valid(l); l.allow(others) },
			[]string{"rpki_invalid error 203.0.113.0/24 AS64496 e1/1 also roa_lost"}},
		{"all data is gone: no ROA was lost", func(l *lab) { valid(l); l.settings.RPKI = &rpki.Set{}; l.learn() }, nil},
		{"and back without it: that was", func(l *lab) { valid(l); l.settings.RPKI = &rpki.Set{}; l.learn(); l.allow() },
			[]string{"roa_lost warning 203.0.113.0/24 e1/1"}},
		{"it is back", func(l *lab) { valid(l); l.allow(); l.allow(ours) }, nil},
		{"the route is gone", func(l *lab) { e1 := valid(l); l.allow(); l.lose(e1) }, nil},
		{"another legitimate origin has a ROA of its own", func(l *lab) {
			l.reg.Policy.Origins = []uint32{64496, 64497}
			e1 := valid(l)
			l.allow()
			l.announce(e1, exact, "64500 64497")
		}, []string{"path_change info 203.0.113.0/24 e1/1"}},
		{"an origin that is no longer legitimate loses nothing", func(l *lab) {
			l.reg.Policy.Origins = []uint32{64496, 64497}
			l.settings.Off["origin_change"] = true
			l.announce(valid(l), exact, "64500 64497", pathID(1))
			l.allow(ours, exact+"-24 64497")
			l.allow(ours)
			l.reg.Policy.Origins = []uint32{64496}
		}, []string{"rpki_invalid error 203.0.113.0/24 AS64497 e1/1"}},
		{"nor does one that should not be there at all", func(l *lab) {
			l.settings.Off["origin_change"] = true
			valid(l)
			l.allow()
			l.reg.Policy.Expect = "absent"
		}, nil},
		{"a restart forgets nothing", func(l *lab) { valid(l); l.restart(); l.allow() },
			[]string{"roa_lost warning 203.0.113.0/24 e1/1"}},
		{"min_vantages: too few agree", func(l *lab) { l.reg.Policy.MinVantages = 2; valid(l); l.allow() },
			[]string{"roa_lost warning 203.0.113.0/24 e1/1 quiet"}},
	})
}

func TestROALostEvidence(t *testing.T) {
	l := newLab(t)
	provider(l, direct)
	l.allow("203.0.112.0/22-22 64496", "203.0.112.0/22-24 64496")
	l.wait(hour)
	l.allow()
	l.wait(hour)
	f := l.judge()[0]
	if want := []string{"went: VRP 203.0.112.0/22-24 AS64496"}; !slices.Equal(f.Hints, want) || !f.Since.Equal(epoch.Add(hour)) || f.Routes[0].RPKI != "not-found" {
		t.Errorf("got %q since %s, route %q, want %q", f.Hints, f.Since, f.Routes[0].RPKI, want)
	}
}
