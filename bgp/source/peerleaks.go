package source

import (
	"cmp"
	"time"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/rib"
)

// LeakJudge says what is wrong with a route that is leaked, nil for one that is not. Of the attributes, it is given the path and
// OTC, and keeps none of them.
type LeakJudge func(*bgp.Attrs) *bgp.Leak

// leaks counts the leaked routes of a full table that are not watched for themselves. Each attribute block is judged once: who
// leaked its routes is noted with it, 0 for nobody. The zero value judges nothing.
type leaks struct {
	judge  LeakJudge
	counts map[uint32]int // routes, by leaker
	total  int

	again rib.ID // blocks from here on are still to be judged anew; None: all are judged
	told  bgp.LeakedTable
}

const (
	leakBatch    = 1024 // blocks judged anew under the lock at once
	leakExamples = 5
)

// learn judges a block.
func (p *Peer) learn(id rib.ID) {
	if p.leaks.judge == nil {
		return
	}
	leaker := uint32(0)
	if leak := p.leaks.judge(p.sketch.Of(p.interner.Key(id))); leak != nil {
		leaker = leak.Leaker
	}
	p.interner.SetNote(id, leaker)
}

// moved counts a route that stands in place of another. None stands for no route.
func (p *Peer) moved(from, to rib.ID) {
	if a, b := p.interner.Note(from), p.interner.Note(to); a != b {
		p.leaks.add(a, -1)
		p.leaks.add(b, 1)
	}
}

func (l *leaks) add(leaker uint32, n int) {
	if leaker == 0 {
		return
	}
	if l.counts == nil {
		l.counts = map[uint32]int{}
	}
	l.total += n
	if l.counts[leaker] += n; l.counts[leaker] == 0 {
		delete(l.counts, leaker)
	}
}

// worst is who leaks the most. The one that was told of stays it while he leaks half as much as any other.
func (l *leaks) worst() (leaker uint32) {
	for as, n := range l.counts {
		if cmp.Or(cmp.Compare(n, l.counts[leaker]), cmp.Compare(leaker, as)) > 0 {
			leaker = as
		}
	}
	if told := l.told.Leak.Leaker; l.told.Exceeded && 2*l.counts[told] >= l.counts[leaker] {
		return told
	}
	return leaker
}

// SetLeakJudge has all routes judged anew, by Run, a few at a time.
func (p *Peer) SetLeakJudge(judge LeakJudge, limit int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.cfg.Full {
		return
	}
	p.leaks.judge, p.cfg.LeakCount = judge, limit
	p.leaks.again = 1
	p.rearm()
}

// judgeAgain judges the next blocks anew, and says whether there are more. Run calls it.
func (p *Peer) judgeAgain(at time.Time) (more bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := &p.leaks
	if l.again == rib.None {
		return false
	}
	for range leakBatch {
		if l.again >= p.interner.Span() {
			l.again = rib.None
			p.countLeaks()
			p.checkLeaks(at)
			return false
		}
		if p.interner.Holds(l.again) {
			p.learn(l.again)
		}
		l.again++
	}
	return true
}

// countLeaks counts from the table, after many routes went or were judged at once.
func (p *Peer) countLeaks() {
	if p.leaks.judge == nil {
		return
	}
	p.leaks.counts, p.leaks.total = nil, 0
	for _, family := range bgp.Families {
		for r := range p.table.Walk(family) {
			if leaker := p.interner.Note(r.ID); leaker != 0 && !p.watched.Match(r.Prefix) {
				p.leaks.add(leaker, 1)
			}
		}
	}
}

// checkLeaks tells when the leaked routes become more than the limit, when there are twice or half as many as was told, in all or
// by the worst leaker, and when they no longer are. It is called for each UPDATE, so it looks at no list. The end is told only once all first tables are complete, since every session begins with none.
func (p *Peer) checkLeaks(at time.Time) {
	l := &p.leaks
	if l.judge == nil || l.again != rib.None {
		return
	}
	over, told := l.total > p.cfg.LeakCount, l.told.Exceeded
	switch {
	case over && (!told || l.total >= 2*l.told.Routes || 2*l.total <= l.told.Routes || 2*l.counts[l.told.Leak.Leaker] < l.told.By):
		p.tellLeaks(at)
	case !over && told && p.negotiated != nil && !p.loading(at):
		l.told = bgp.LeakedTable{Vantage: p.cfg.Vantage, At: at}
		p.log.Warn("leaked routes are few again", zap.Int("routes", l.total), zap.Int("limit", p.cfg.LeakCount))
		p.put(l.told)
	}
}

func (p *Peer) tellLeaks(at time.Time) {
	l := &p.leaks
	worst := l.worst()
	t := bgp.LeakedTable{
		Vantage: p.cfg.Vantage, At: at, Exceeded: true, Routes: l.total, Leakers: len(l.counts), By: l.counts[worst],
		Leak: bgp.Leak{Leaker: worst}, Examples: p.leakExamples(worst),
	}
	if len(t.Examples) > 0 {
		if leak := l.judge(t.Examples[0].Attrs); leak != nil {
			t.Leak = *leak
		}
	}
	l.told = t
	p.log.Warn("many leaked routes", zap.Int("routes", t.Routes), zap.Uint32("leaker", worst), zap.Int("by_leaker", t.By))
	p.put(t)
}

// leakExamples finds a few routes that somebody leaked.
func (p *Peer) leakExamples(leaker uint32) (out []bgp.Seen) {
	for _, family := range bgp.Families {
		for r := range p.table.Walk(family) {
			if p.interner.Note(r.ID) != leaker || p.watched.Match(r.Prefix) {
				continue
			}
			out = append(out, bgp.Seen{Vantage: p.cfg.Vantage, Prefix: r.Prefix, PathID: r.PathID, Attrs: p.attrs(r.ID), Since: r.Since})
			if len(out) == leakExamples {
				return out
			}
		}
	}
	return out
}
