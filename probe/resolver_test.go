package probe

import (
	"context"
	"errors"
	"net/netip"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap/zaptest"
)

// phoneBook is a name server that can be down.
type phoneBook struct {
	mu    sync.Mutex
	addrs map[string][]netip.Addr
	asked int
}

// say changes the answer for a name; without addresses it fails.
func (p *phoneBook) say(host string, addrs ...netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.addrs, host)
	if len(addrs) > 0 {
		p.addrs[host] = addrs
	}
}

func (p *phoneBook) questions() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

func (p *phoneBook) lookup(_ context.Context, host string) ([]netip.Addr, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	if addrs, ok := p.addrs[host]; ok {
		return addrs, nil
	}
	return nil, errors.New("no such host")
}

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

// runResolver runs one in a synctest bubble and gives what it told last.
func runResolver(t *testing.T, book *phoneBook, body func(*Resolver, func() []Target)) {
	synctest.Test(t, func(t *testing.T) {
		var told []Target
		r := NewResolver(book.lookup, zaptest.NewLogger(t), func(ts []Target) { told = ts })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		body(r, func() []Target { synctest.Wait(); return told })
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func addrsOf(targets []Target) []string {
	var out []string
	for _, t := range targets {
		out = append(out, t.Addr.String())
	}
	return out
}

func TestResolverFollowsAName(t *testing.T) {
	book := &phoneBook{addrs: map[string][]netip.Addr{"pop.example": addrs("192.0.2.2", "192.0.2.1", "192.0.2.1")}}
	runResolver(t, book, func(r *Resolver, told func() []Target) {
		r.Set([]Site{{POP: "p", Host: "pop.example", ICMP: true}}, Way{})
		expect(t, addrsOf(told()), []string{"192.0.2.1", "192.0.2.2"})

		book.say("pop.example", addrs("192.0.2.3")...)
		time.Sleep(resolveEvery - time.Second)
		expect(t, addrsOf(told()), []string{"192.0.2.1", "192.0.2.2"})
		time.Sleep(2 * time.Second)
		expect(t, addrsOf(told()), []string{"192.0.2.3"})
	})
}

func TestResolverKeepsAddressesWhileNamesFail(t *testing.T) {
	book := &phoneBook{addrs: map[string][]netip.Addr{"pop.example": addrs("192.0.2.1")}}
	runResolver(t, book, func(r *Resolver, told func() []Target) {
		r.Set([]Site{{POP: "p", Host: "pop.example", ICMP: true}}, Way{})
		told()
		book.say("pop.example")
		time.Sleep(resolveEvery + time.Second)
		expect(t, addrsOf(told()), []string{"192.0.2.1"})
		expect(t, book.questions(), 2)
		time.Sleep(resolveAgain)
		told()
		expect(t, book.questions(), 3)
	})
}

func TestResolverTellsAddressesBeforeNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stuck := func(ctx context.Context, _ string) ([]netip.Addr, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		var told []Target
		r := NewResolver(stuck, zaptest.NewLogger(t), func(ts []Target) { told = ts })
		r.Set([]Site{{POP: "slow", Host: "pop.example", ICMP: true}, {POP: "fast", Addr: netip.MustParseAddr("192.0.2.9"), ICMP: true}}, Way{})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.Run(ctx) }()
		synctest.Wait()
		expect(t, addrsOf(told), []string{"192.0.2.9"})
		cancel()
		<-ended
	})
}

func TestResolverForgetsSites(t *testing.T) {
	book := &phoneBook{addrs: map[string][]netip.Addr{"pop.example": addrs("192.0.2.1")}}
	runResolver(t, book, func(r *Resolver, told func() []Target) {
		r.Set([]Site{{POP: "p", Host: "pop.example", ICMP: true}}, Way{})
		told()
		r.Set(nil, Way{})
		expect(t, len(told()), 0)
		time.Sleep(2 * resolveEvery)
		told()
		expect(t, book.questions(), 1)
	})
}

func TestSiteTargets(t *testing.T) {
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	site := Site{POP: "p", Service: "edge", ICMP: true, TCP: []uint16{443}}
	way := Way{Sources: addrs("198.51.100.1", "198.51.100.2"), Interface: "vrf1", DSCP: 46}

	got := site.targets(v4, way)
	expect(t, len(got), 4)
	expect(t, got[0], Target{POP: "p", Service: "edge", Addr: v4, Method: ICMP, Source: way.Sources[0], Interface: "vrf1", DSCP: 46})
	expect(t, got[3].Method, TCP(443))
	expect(t, got[3].Method.Port(), 443)

	got = site.targets(v6, way)
	expect(t, len(got), 2)
	expect(t, got[0].Source.IsValid(), false)
}
