package source

import (
	"testing"

	"go.uber.org/zap"

	"peervane/bgp"
	"peervane/bgp/session"
)

// The engine shows all peers, and tells of a hijack on another one meanwhile: it must not wait for one that drops a table.
func TestStatusDoesNotWait(t *testing.T) {
	p := NewPeer(PeerConfig{Vantage: &bgp.Vantage{Name: "r1"}}, nil, zap.NewNop(), session.Options{})
	p.counts.Updates = 1
	if got := p.Status().Updates; got != 1 {
		t.Errorf("at rest: %d updates, want 1", got)
	}
	p.mu.Lock()
	p.counts.Updates = 2
	if got := p.Status().Updates; got != 1 {
		t.Errorf("while it is busy: %d updates, want 1", got)
	}
	p.mu.Unlock()
	if got := p.Status().Updates; got != 2 {
		t.Errorf("afterwards: %d updates, want 2", got)
	}
}
