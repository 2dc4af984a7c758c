package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
)

// many is a daemon with so many registered prefixes, which may break off before the end of its answer.
func many(t *testing.T, n int, whole bool) string {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, "[")
		for i := range n {
			if i > 0 {
				io.WriteString(w, ",")
			}
			fmt.Fprintf(w, `{"prefix":"11.%d.%d.0/24","connection":"","origins":[64496],"vantages":2,"state":"verified","reasons":[],"incidents":[]}`, i>>8, i&255)
		}
		if !whole {
			panic(http.ErrAbortHandler)
		}
		io.WriteString(w, "]\n")
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// counter counts lines, and how much memory is in use at the most while they are written.
type counter struct {
	lines int
	most  uint64
}

func (c *counter) Write(p []byte) (int, error) {
	before := c.lines
	c.lines += bytes.Count(p, []byte("\n"))
	if c.lines/10_000 > before/10_000 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c.most = max(c.most, m.HeapAlloc)
	}
	return len(p), nil
}

// A long list is shown as it comes, and no more of it held than is printed at once.
func TestLongListsAreNotHeld(t *testing.T) {
	const n = 60_000
	url := many(t, n, true)
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	var out counter
	if code := run(t.Context(), &env{&out, io.Discard}, []string{"prefixes", "--http", url}); code != 0 || out.lines != n+1 {
		t.Errorf("exit code %d, %d lines, want %d", code, out.lines, n+1)
	}
	if grown := int64(out.most) - int64(m.HeapAlloc); grown > 8<<20 {
		t.Errorf("%d bytes are held while %d prefixes are shown", grown, n)
	}
}

// A list that breaks off is told as far as it came, and as the failure that it is.
func TestAnswersThatBreakOff(t *testing.T) {
	for _, args := range [][]string{nil, {"--json"}} {
		var out, complaints bytes.Buffer
		code := run(t.Context(), &env{&out, &complaints}, append([]string{"prefixes", "--http", many(t, 5000, false)}, args...))
		if code != exitFailed || !strings.Contains(complaints.String(), "broke off: unexpected EOF") {
			t.Errorf("%v: exit code %d, %s", args, code, &complaints)
		}
		if !strings.Contains(out.String(), "11.0.7.0/24") {
			t.Errorf("%v: what came is not shown", args)
		}
	}
}
