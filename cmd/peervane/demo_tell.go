package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"peervane/daemon/notice"
)

// opening says what is to be seen, where, and who takes part.
func (p *demoPlayer) opening(why error) {
	page := p.page
	page.say("%s", page.paint(inkBold, "peervane demo"))
	page.gap()
	if p.stage.measures() {
		page.prose("A miniature internet inside this program, and the real daemon in it: BGP over TCP, probes over links with real delay, alerts as signed webhooks. What is measured is measured now; nothing leaves this machine.")
		page.gap()
		page.drawMap()
	} else {
		page.prose("The real daemon, on loopback: BGP over TCP, alerts as signed webhooks. What is measured is measured now; nothing leaves this machine.")
		page.gap()
		page.prose("There is no miniature internet this time, so the chapter about latency is left out" + because(why) + ".")
	}
	page.gap()
	page.cast()
}

func because(why error) string {
	if why == nil {
		return ""
	}
	return ": " + why.Error()
}

// drawMap draws the miniature internet.
func (p *demoPage) drawMap() {
	p.say("                  ┌── BGP ── AS64500 %s par1", delayLine(delayDirect))
	p.say("      peervane ───┤             │ %-20s│", fmt.Sprintf("%d ms", delayAcross.Milliseconds()))
	p.say("                  └── BGP ── AS64501 %s───┘", delayLine(delayDetour))
	p.say("                                   AS64510: %d ms to each of both", delayLeaker.Milliseconds())
}

// delayLine is a link of 14 characters.
func delayLine(d time.Duration) string {
	text := fmt.Sprintf(" %d ms ", d.Milliseconds())
	return strings.Repeat("─", 10-len(text)) + text + "────"
}

func (p *demoPage) cast() {
	for _, c := range demoCast {
		p.exact(inkCyan, "AS"+strconv.FormatUint(uint64(c.asn), 10), inkPlain, strings.TrimSuffix(c.name+", "+c.part, ", "))
	}
}

// nameOf says who an ASN is.
func nameOf(asn uint32) string {
	for _, c := range demoCast {
		if c.asn == asn {
			return c.name
		}
	}
	return "unknown"
}

// scene says what happens.
func (p *demoPage) scene(s *demoScene) {
	label := ""
	if s.when != "" {
		label = s.when + " UTC"
	}
	p.row(inkBold, label, inkPlain, s.text)
	p.gap()
}

// update shows what a router has announced.
func (p *demoPage) update(t *demoTransit, u demoUpdate) {
	p.exact(inkCyan, "UPDATE", inkPlain, fmt.Sprintf("%-9s  %-18s  %-23s  %s",
		t.name, u.prefix, pathText(t.asn, u.path), nameOf(u.path[len(u.path)-1])))
}

func pathText(first uint32, path []uint32) string {
	words := []string{strconv.FormatUint(uint64(first), 10)}
	for _, asn := range path {
		words = append(words, strconv.FormatUint(uint64(asn), 10))
	}
	return strings.Join(words, " ")
}

var statusInks = map[notice.Status]ink{notice.Firing: inkRed, notice.Updated: inkYellow, notice.Resolved: inkGreen}

// alert shows a notice as the webhook receiver got it.
func (p *demoPage) alert(a *demoArrival) {
	n := &a.notice
	of := statusInks[n.Status]
	p.gap()
	p.exact(of, strings.ToUpper(string(n.Status)), inkBold,
		fmt.Sprintf("%s %s, %s after the UPDATE%s", n.Severity, n.Type, spell(a.after), reasonText(n)))
	p.row(inkPlain, "", inkPlain, n.Summary)
	if n.Status == notice.Firing && n.CulpritASN != 0 {
		p.row(inkPlain, "", inkDim, fmt.Sprintf("culprit: AS%d (%s)", n.CulpritASN, nameOf(n.CulpritASN)))
	}
}

func reasonText(n *notice.Notice) string {
	if n.Status != notice.Updated {
		return ""
	}
	return " (reason: " + n.Reason + ")"
}

// spell writes a duration as short as its size allows.
func spell(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case ms < 100:
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.2f s", ms/1000)
}

// closing sums up.
func (p *demoPlayer) closing() {
	page := p.page
	page.heading("What came of it")
	incidents := map[string]bool{}
	for _, a := range p.all {
		incidents[a.notice.Incident] = true
	}
	page.row(inkBold, "alerts", inkPlain, fmt.Sprintf("%s, every signature verified; %s: what fired has resolved, under the same id",
		count(len(p.all), "webhook"), count(len(incidents), "incident")))
	page.table(inkBold, "delays", p.delays())
	page.row(inkPlain, "", inkDim, "from the router's write to the request at the receiver; each alert was on disk before it was sent")
	page.row(inkBold, "left over", inkPlain, "nothing: all of it ends with this program, and its temporary files are removed")
	page.row(inkBold, "next", inkPlain, "README.md has a first real configuration, against BIRD and FRR; config/reference.toml has every key")
	page.gap()
}

// delays tells how long after the UPDATE the first alerts of each incident were there.
func (p *demoPlayer) delays() (rows [][]string) {
	for _, status := range []notice.Status{notice.Firing, notice.Resolved} {
		for _, a := range p.all {
			if a.notice.Status == status {
				rows = append(rows, []string{a.notice.Type, string(status), fmt.Sprintf("%8s", spell(a.after)), heldText(&a.notice)})
			}
		}
	}
	slices.SortStableFunc(rows, func(a, b []string) int { return strings.Compare(b[0], a[0]) })
	return rows
}

// heldText says which delay was wanted, where it was not the latency that confirmed the change.
func heldText(n *notice.Notice) string {
	if n.Type != notice.PathChange || n.Status != notice.Firing {
		return ""
	}
	if n.Evidence.Latency != nil && n.Evidence.Latency.AfterMS != nil {
		return "confirmed by probes"
	}
	return "held for path_change_hold"
}
