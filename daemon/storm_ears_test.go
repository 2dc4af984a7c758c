package daemon

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"peervane/daemon/notice"
)

// ears are what the receivers have heard: by channel, the notices in the order in which they came.
type ears struct {
	mu    sync.Mutex
	heard map[string][]notice.Notice
	fresh chan struct{}
}

func (e *ears) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	n, err := notice.Parse(body)
	if err != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	channel := strings.Trim(r.URL.Path, "/")
	e.heard[channel] = append(e.heard[channel], n)
	signal(e.fresh)
}

// of gives what a channel heard of a type, but for what measures.
func (e *ears) of(channel, typ string) (out []notice.Notice) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, n := range e.heard[channel] {
		if n.Type == typ && n.CulpritASN < 200_000 {
			out = append(out, n)
		}
	}
	return out
}

// lacks counts those of some incidents of whose beginning, or end, a channel has not heard.
func (e *ears) lacks(channel string, status notice.Status, of map[string]bool) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	heard := map[string]bool{}
	for _, n := range e.heard[channel] {
		if n.Status == status && of[n.Incident] {
			heard[n.Incident] = true
		}
	}
	return len(of) - len(heard)
}

func (e *ears) ends(channel, typ string) bool {
	return slices.ContainsFunc(e.of(channel, typ), func(n notice.Notice) bool { return n.Status == notice.Resolved })
}
