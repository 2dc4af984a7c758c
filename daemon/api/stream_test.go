package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
)

// many is a daemon with so many prefixes, whose engine ends before it has told the last of them if it fails.
type many struct {
	*fixed
	n    int
	fail error
}

func (m many) Prefixes(_ context.Context, some func([]Prefix) error) error {
	for i := range m.n {
		p := Prefix{Prefix: netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 8), byte(i)}), 24)}
		if err := some([]Prefix{p}); err != nil {
			return err
		}
	}
	return m.fail
}

func TestPrefixesAreStreamed(t *testing.T) {
	for _, n := range []int{0, 1, 3000} {
		w := httptest.NewRecorder()
		New(many{newFixed(), n, nil}, prometheus.NewRegistry(), zap.NewNop()).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/prefixes", nil))
		var got []Prefix
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got == nil || len(got) != n || w.Code != http.StatusOK {
			t.Errorf("%d prefixes of %d, %v, %d", len(got), n, err, w.Code)
		}
	}
}

func TestStreamThatBreaksOff(t *testing.T) {
	server := httptest.NewServer(New(many{newFixed(), 3000, errors.New("the engine has ended")}, prometheus.NewRegistry(), zap.NewNop()).Handler())
	defer server.Close()
	resp, err := http.Get(server.URL + "/api/v1/prefixes")
	if err == nil {
		defer resp.Body.Close()
		err = json.NewDecoder(resp.Body).Decode(&[]Prefix{})
	}
	if err == nil {
		t.Error("half a list is taken for a whole one")
	}
	w := httptest.NewRecorder()
	New(many{newFixed(), 0, errors.New("the engine has ended")}, prometheus.NewRegistry(), zap.NewNop()).Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/v1/prefixes", nil))
	if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "the engine has ended") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
