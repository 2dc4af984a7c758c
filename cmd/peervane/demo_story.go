package main

import (
	"fmt"
	"net/netip"
	"time"

	"peervane/daemon/notice"
)

const youtubeASN = 36561

// demoCast names every ASN of the story.
var demoCast = []struct {
	asn  uint32
	name string
	part string // what it is to the story, if the name does not say so
}{
	{64512, "our network", "where peervane runs"},
	{64500, "Transit A", "a provider of ours"},
	{64501, "Transit B", "the other one"},
	{64496, "ExampleCloud", "with the point of presence par1"},
	{youtubeASN, "YouTube", ""},
	{17557, "Pakistan Telecom", ""},
	{3491, "PCCW Global", "the provider of Pakistan Telecom"},
	{64510, "ExampleShop", "a customer of both transits"},
}

// The prefixes of the story.
var (
	youtube22  = netip.MustParsePrefix("208.65.152.0/22")
	youtube24  = netip.MustParsePrefix("208.65.153.0/24")
	youtube25a = netip.MustParsePrefix("208.65.153.0/25")
	youtube25b = netip.MustParsePrefix("208.65.153.128/25")
	cloud24    = netip.MustParsePrefix(popPrefix)
)

// demoChapter is a part of the story under a heading.
type demoChapter struct {
	title  string
	needs  func(*demoStage) bool // what of the stage it cannot be told without; nil: nothing
	scenes []demoScene
}

// demoScene is one thing that happens: what is told of it, what really changes, and which alerts must come of it.
type demoScene struct {
	when    string // in the history, UTC
	text    string
	move    func(*demoInternet) error // what changes in the miniature internet before its routers tell of it
	updates []demoUpdate
	expect  []demoAlert
	show    []demoShow
	pause   time.Duration // to read
}

// demoUpdate is what the router of a transit network announces.
type demoUpdate struct {
	transit int // of demoStage.transits
	prefix  netip.Prefix
	path    []uint32 // behind the transit's own ASN
}

const (
	transitA = iota
	transitB
)

// demoAlert is an alert that is waited for.
type demoAlert struct {
	kind      string
	status    notice.Status // "": any
	offending netip.Prefix
	measured  bool // it tells the latency before and after, so without a miniature internet it does not come
}

func (a demoAlert) String() string {
	text := fmt.Sprintf("%s of %s", a.kind, a.offending)
	if a.status != "" {
		text = string(a.status) + " " + text
	}
	if a.measured {
		text += " with its cost in latency"
	}
	return text
}

// demoChapters are told in this order.
var demoChapters = []demoChapter{
	{"Peering", nil, demoPeering},
	{"24 February 2008, by the timeline that RIPE NCC published", nil, demoHijack},
	{"A customer leaks", nil, demoLeak},
	{"A path changes", (*demoStage).measures, demoPathChange},
}

func (s *demoStage) measures() bool { return s.internet != nil }

// demoBefore is what stands when the story begins.
var demoBefore = []demoUpdate{
	{transitA, youtube22, []uint32{36561}},
	{transitB, youtube22, []uint32{64500, 36561}},
	{transitA, cloud24, []uint32{64496}},
	{transitB, cloud24, []uint32{64496}},
}

var demoPeering = []demoScene{
	{
		text:  "The daemon reads its configuration, connects to the routers of both providers, and probes par1.",
		show:  []demoShow{showRegistered, showSessions, showPOP},
		pause: 3 * time.Second,
	},
}

var demoHijack = []demoScene{
	{
		when: "18:47",
		text: "AS17557 (Pakistan Telecom) announces 208.65.153.0/24, a part of YouTube's 208.65.152.0/22, and AS3491 (PCCW Global) passes it on to the world.",
		updates: []demoUpdate{
			{transitA, youtube24, []uint32{3491, 17557}},
			{transitB, youtube24, []uint32{3491, 17557}},
		},
		expect: []demoAlert{
			{kind: notice.SubPrefix, status: notice.Firing, offending: youtube24},
			{kind: notice.SubPrefix, offending: youtube24, measured: true},
		},
		show:  []demoShow{showWebhook, showLog},
		pause: 7 * time.Second,
	},
	{
		when:    "20:07",
		text:    "AS36561 (YouTube) announces the same /24. Transit A takes the shorter path, Transit B stays with the wrong one: the incident is not over.",
		updates: []demoUpdate{{transitA, youtube24, []uint32{36561}}},
		show:    []demoShow{showRoutes, showOpen},
		pause:   5 * time.Second,
	},
	{
		when: "20:18",
		text: "AS36561 announces both halves of it. The longest prefix wins, so traffic returns to YouTube; but the wrong /24 still stands at Transit B.",
		updates: []demoUpdate{
			{transitA, youtube25a, []uint32{36561}},
			{transitA, youtube25b, []uint32{36561}},
			{transitB, youtube25a, []uint32{64500, 36561}},
			{transitB, youtube25b, []uint32{64500, 36561}},
		},
		show:  []demoShow{showOpen},
		pause: 3 * time.Second,
	},
	{
		when:    "21:01",
		text:    "AS3491 withdraws what AS17557 announced. Transit B falls back to YouTube's /24.",
		updates: []demoUpdate{{transitB, youtube24, []uint32{64500, 36561}}},
		expect:  []demoAlert{{kind: notice.SubPrefix, status: notice.Resolved, offending: youtube24}},
		show:    []demoShow{showOpen},
		pause:   3 * time.Second,
	},
}

var demoLeak = []demoScene{
	{
		text:    "AS64510 (ExampleShop) passes to Transit A what it learnt from Transit B: its filter is gone. Transit A prefers what customers announce, so traffic for par1 now goes through a shop.",
		move:    (*demoInternet).leak,
		updates: []demoUpdate{{transitA, cloud24, []uint32{64510, 64501, 64496}}},
		expect: []demoAlert{
			{kind: notice.RouteLeak, status: notice.Firing, offending: cloud24},
			{kind: notice.RouteLeak, offending: cloud24, measured: true},
		},
		show:  []demoShow{showProof, showCost},
		pause: 5 * time.Second,
	},
	{
		text:    "AS64510 mends its filter.",
		move:    (*demoInternet).restore,
		updates: []demoUpdate{{transitA, cloud24, []uint32{64496}}},
		expect:  []demoAlert{{kind: notice.RouteLeak, status: notice.Resolved, offending: cloud24}},
		show:    []demoShow{showNow, showOpen},
		pause:   2 * time.Second,
	},
}

var demoPathChange = []demoScene{
	{
		text:    "Transit A loses its link to par1, and goes round by Transit B. A change that costs nothing is told once it has held for path_change_hold (1 s here, 60 s by default); one that the probes confirm is told at once.",
		move:    (*demoInternet).fail,
		updates: []demoUpdate{{transitA, cloud24, []uint32{64501, 64496}}},
		expect: []demoAlert{
			{kind: notice.PathChange, status: notice.Firing, offending: cloud24},
			{kind: notice.PathChange, offending: cloud24, measured: true},
		},
		show:  []demoShow{showCost},
		pause: 4 * time.Second,
	},
	{
		text:    "The link is back.",
		move:    (*demoInternet).restore,
		updates: []demoUpdate{{transitA, cloud24, []uint32{64496}}},
		expect:  []demoAlert{{kind: notice.PathChange, status: notice.Resolved, offending: cloud24}},
		show:    []demoShow{showNow, showOpen},
		pause:   2 * time.Second,
	},
}
