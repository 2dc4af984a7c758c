package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"

	"peervane/daemon/api"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// moody is a receiver of webhooks that answers what it is told to.
type moody struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	taken  []notice.Notice
	fresh  chan struct{}
}

func newMoody(t *testing.T) *moody {
	t.Helper()
	m := &moody{status: http.StatusNoContent, fresh: make(chan struct{}, 1)}
	m.Server = httptest.NewServer(m)
	t.Cleanup(m.Close)
	return m
}

func (m *moody) answer(status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status = status
}

func (m *moody) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	w.WriteHeader(m.status)
	if m.status >= 300 {
		return
	}
	if n, err := notice.Parse(body); err == nil {
		m.taken = append(m.taken, n)
	}
	select {
	case m.fresh <- struct{}{}:
	default:
	}
}

// await waits until what was taken satisfies.
func (m *moody) await(t *testing.T, what string, satisfies func([]notice.Notice) bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	for {
		m.mu.Lock()
		good := satisfies(m.taken)
		taken := slices.Clone(m.taken)
		m.mu.Unlock()
		if good {
			return
		}
		select {
		case <-m.fresh:
		case <-deadline:
			t.Fatalf("%s: not among %d that were taken: %+v", what, len(taken), taken)
		}
	}
}

// operator types commands at the daemon whose control socket is in the runtime directory.
type operator struct {
	*testing.T
	socket string
}

// types runs a command, and holds it to its exit code.
func (o operator) types(code int, args ...string) (stdout, stderr string) {
	o.Helper()
	var out, complaints bytes.Buffer
	if got := run(o.Context(), &env{&out, &complaints}, append(args, "--socket", o.socket)); got != code {
		o.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, code, &out, &complaints)
	}
	return out.String(), complaints.String()
}

func (o operator) letters(args ...string) []api.DeadLetter {
	o.Helper()
	out, _ := o.types(0, append([]string{"deadletter", "list", "--json"}, args...)...)
	var letters []api.DeadLetter
	if err := json.Unmarshal([]byte(out), &letters); err != nil {
		o.Fatalf("%v: %s", err, out)
	}
	return letters
}

// TestOperateChannels tries a channel, and handles what could not be delivered, at a live daemon.
func TestOperateChannels(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	t.Setenv("RUNTIME_DIRECTORY", t.TempDir())
	edge, hook, second := startRouter(t, ctx), newMoody(t), newMoody(t)
	d := killable{bin: buildPeervane(t), dir: t.TempDir(), log: &bytes.Buffer{}}
	d.configure(t, edge.listener.Addr().String(), hook.URL)
	d.add(t, "[[channel]]\nname = \"second\"\nkind = \"webhook\"\ntypes = [\"channel_failing\"]\nallow_private = true\nurl = \""+second.URL+"\"\n")
	edge.announce(netip.MustParsePrefix("10.0.0.0/8"), 64496)
	d.start(t)
	edge.await(t, ctx) // the control socket is open by then
	o := operator{t, filepath.Join(os.Getenv("RUNTIME_DIRECTORY"), controlName)}

	t.Run("test-alert", func(t *testing.T) { tryChannel(operator{t, o.socket}, hook) })

	hook.answer(http.StatusBadRequest)
	for i := range 3 {
		edge.announce(hijack(i), 64510)
	}
	o.awaitLetters(3)
	second.await(t, "the failing channel", func(taken []notice.Notice) bool { return tellsFailing(taken, notice.Firing) })
	t.Run("deadletter", func(t *testing.T) { handleLetters(operator{t, o.socket}, hook, edge) })
	second.await(t, "the channel that works again", func(taken []notice.Notice) bool { return tellsFailing(taken, notice.Resolved) })
	if hook.told(notice.ChannelFailing) {
		t.Error("the failing channel was told that it fails")
	}
	t.Run("backup", func(t *testing.T) { restoreBackup(operator{t, o.socket}, &d) })
}

// tellsFailing says whether the last that was taken is that of a channel with dead letters.
func tellsFailing(taken []notice.Notice, status notice.Status) bool {
	if len(taken) == 0 {
		return false
	}
	n := taken[len(taken)-1]
	return n.Type == notice.ChannelFailing && n.Status == status && n.Labels[notice.LabelChannel] == "hook" &&
		strings.Contains(n.Summary, "channel hook is failing")
}

func (m *moody) told(typ string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.ContainsFunc(m.taken, func(n notice.Notice) bool { return n.Type == typ })
}

// add puts more into the configuration.
func (d *killable) add(t *testing.T, more string) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(d.dir, "peervane.toml"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(more); err != nil {
		t.Fatal(err)
	}
}

func tryChannel(o operator, hook *moody) {
	out, _ := o.types(0, "test-alert", "hook")
	want := regexp.MustCompile(`^channel hook: firing test notice \w+ delivered in \S+\nchannel hook: resolved test notice \w+ delivered in \S+\n$`)
	if !want.MatchString(out) {
		o.Errorf("got %q", out)
	}
	hook.await(o.T, "a test and its end", func(taken []notice.Notice) bool {
		return len(taken) == 2 && taken[0].Type == notice.Test && taken[0].Status == notice.Firing && taken[0].Severity == notice.Warning &&
			taken[1].Status == notice.Resolved && taken[1].Incident == taken[0].Incident && taken[1].Delivery != taken[0].Delivery
	})
	out, _ = o.types(0, "test-alert", "hook", "--json")
	var tried api.Tried
	if err := json.Unmarshal([]byte(out), &tried); err != nil || tried.Channel != "hook" || len(tried.Told) != 2 {
		o.Errorf("%v, got %q", err, out)
	}
	hook.answer(http.StatusInternalServerError)
	if _, said := o.types(1, "test-alert", "hook"); !strings.Contains(said, "not delivered, and not tried again: answered 500") {
		o.Errorf("got %q", said)
	}
	if _, said := o.types(1, "test-alert", "nobody"); !strings.Contains(said, `there is no channel "nobody": the configuration has hook, second`) {
		o.Errorf("got %q", said)
	}
	o.types(64, "test-alert")
	if n := len(o.letters()); n != 0 {
		o.Errorf("%d tests became dead letters", n)
	}
}

func (o operator) awaitLetters(n int) {
	o.Helper()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	deadline := time.After(time.Minute)
	for len(o.letters()) != n {
		select {
		case <-again.C:
		case <-deadline:
			o.Fatalf("%d dead letters, want %d", len(o.letters()), n)
		}
	}
}

func handleLetters(o operator, hook *moody, edge scripted) {
	letters := o.letters("--type", notice.SubPrefix, "--channel", "hook")
	if len(letters) != 3 || letters[0].Error == "" || letters[0].Status != notice.Firing || letters[0].Attempts != 1 {
		o.Fatalf("got %+v", letters)
	}
	table, _ := o.types(0, "deadletter", "list")
	if !regexp.MustCompile(`(?m)^\d+ +hook +subprefix +firing +critical +\S+ +1 +answered 400 Bad Request +10\.0\.0\.0/24`).MatchString(table) {
		o.Errorf("got %s", table)
	}
	if none := o.letters("--incident", "nobody"); len(none) != 0 {
		o.Errorf("got %+v", none)
	}
	if _, said := o.types(0, "deadletter", "list", "999999"); said != "no such dead letters\n" {
		o.Errorf("of a number that no dead letter has is said: %s", said)
	}
	o.types(64, "deadletter", "drop")
	o.types(64, "deadletter")
	if out, _ := o.types(0, "deadletter", "drop", "--json", letters[2].Delivery); out != `{"done":"dropped","dead_letters":1}`+"\n" {
		o.Errorf("got %q", out)
	}
	if _, complaint := o.types(1, "deadletter", "drop", letters[2].Delivery); !strings.Contains(complaint, "no dead letter has this number") {
		o.Errorf("dropping it again: %q", complaint)
	}

	// The first ends while its beginning is a dead letter: its end is told behind the beginning.
	hook.answer(http.StatusNoContent)
	edge.withdraw(hijack(0))
	hook.await(o.T, "the end", func(taken []notice.Notice) bool { return has(taken, letters[0].Incident, notice.Resolved) })
	if out, _ := o.types(0, "deadletter", "replay", "--all"); out != "2 dead letters put into the outbox again\n" {
		o.Errorf("got %q", out)
	}
	hook.await(o.T, "both beginnings and the end once more", func(taken []notice.Notice) bool {
		var first []notice.Status
		for _, n := range taken {
			if n.Incident == letters[0].Incident {
				first = append(first, n.Status)
			}
		}
		return slices.Equal(first, []notice.Status{notice.Resolved, notice.Firing, notice.Resolved}) && has(taken, letters[1].Incident, notice.Firing)
	})
	o.awaitLetters(0)
}

func has(taken []notice.Notice, incident string, status notice.Status) bool {
	return slices.ContainsFunc(taken, func(n notice.Notice) bool { return n.Incident == incident && n.Status == status })
}

// restoreBackup takes a copy of the running daemon's state, and has a daemon go on from it.
func restoreBackup(o operator, d *killable) {
	file := filepath.Join(o.TempDir(), "copy.db")
	o.types(0, "backup", file)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		o.Fatalf("%v, %v", info, err)
	}
	piped, _ := o.types(0, "backup", "-")
	if !strings.HasPrefix(piped, "SQLite format 3\x00") {
		o.Errorf("on stdout: %q", piped[:min(len(piped), 100)])
	}
	o.types(1, "backup", filepath.Join(o.TempDir(), "no", "folder", "copy.db"))
	d.kill(o.T)
	state := filepath.Join(d.dir, "state")
	if err := os.RemoveAll(state); err != nil {
		o.Fatal(err)
	}
	if err := os.Mkdir(state, 0o700); err != nil {
		o.Fatal(err)
	}
	copied, err := os.ReadFile(file)
	if err != nil {
		o.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(state, "peervane.db"), copied, 0o600); err != nil {
		o.Fatal(err)
	}
	if left, err := filepath.Glob(filepath.Join(state, "*.backup*")); err != nil || len(left) > 0 {
		o.Errorf("left behind: %v, %v", left, err)
	}
	if got := openIncidents(o, filepath.Join(state, "peervane.db")); len(got) != 2 {
		o.Errorf("the copy holds %d open incidents, want 2: %+v", len(got), got)
	}
}

// openIncidents reads what is open in a database, as a daemon that goes on from it does.
func openIncidents(o operator, db string) []notice.Notice {
	o.Helper()
	s, err := store.Open(store.Options{Path: db, Log: zap.NewNop()})
	if err != nil {
		o.Fatal(err)
	}
	defer s.Close()
	state, err := s.Load(o.Context())
	if err != nil {
		o.Fatal(err)
	}
	var open []notice.Notice
	for _, row := range state.Incidents {
		n, err := notice.Parse(row.Notice)
		if err != nil {
			o.Error(err)
		}
		open = append(open, n)
	}
	return open
}
