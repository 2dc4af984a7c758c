package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// tapingNow is a `peervane record` that runs.
type tapingNow struct {
	t         *testing.T
	file      string
	interrupt context.CancelFunc
	ended     sync.WaitGroup
	code      int
	stdout    bytes.Buffer
	stderr    bytes.Buffer
}

// startRecording begins one to a file of its own, and waits until the daemon has told how all stands.
func startRecording(t *testing.T, socket string, args ...string) *tapingNow {
	t.Helper()
	r := &tapingNow{t: t, file: filepath.Join(t.TempDir(), "recording.mrt")}
	ctx, cancel := context.WithCancel(t.Context())
	r.interrupt = cancel
	r.ended.Go(func() {
		r.code = run(ctx, &env{&r.stdout, &r.stderr}, append([]string{"record", r.file, "--socket", socket}, args...))
	})
	t.Cleanup(func() { cancel(); r.ended.Wait() })
	eventually(t, "the recording does not begin", func() error {
		_, err := os.Stat(r.file)
		return err
	})
	return r
}

// end waits until it has, and holds it to its exit code.
func (r *tapingNow) end(code int, says string) {
	r.t.Helper()
	r.ended.Wait()
	if r.code != code || !strings.Contains(r.stderr.String(), says) || !strings.HasPrefix(r.stderr.String(), "recorded  ") {
		r.t.Errorf("exit code %d, want %d, and that %q is said:\n%s", r.code, code, says, &r.stderr)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(r.file), ".*")); err != nil || len(left) > 0 {
		r.t.Errorf("left behind: %v, %v", left, err)
	}
}

// notices replays the recording with a configuration.
func (r *tapingNow) notices(conf string) (told []notice.Notice) {
	r.t.Helper()
	var out, complaints bytes.Buffer
	if code := run(r.t.Context(), &env{&out, &complaints}, []string{"replay", "-c", conf, r.file}); code != 0 {
		r.t.Fatalf("exit code %d\n%s", code, &complaints)
	}
	for lines := bufio.NewScanner(&out); lines.Scan(); {
		n, err := notice.Parse(lines.Bytes())
		if err != nil {
			r.t.Fatal(err)
		}
		told = append(told, n)
	}
	return told
}

// sameStory says what of a notice must be the same in a replay: all but the ids and the host. The clock of a replay is that of the
// routes, which the daemon judges a moment later.
func sameStory(t *testing.T, n notice.Notice) string {
	t.Helper()
	n.Delivery, n.Incident, n.Source = "", "", ""
	n.UpdatedAt, n.ResolvedAt = notice.Time{}, notice.Time{}
	body, err := n.Body()
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// recordingBench is a daemon with one session, and somebody who operates it.
type recordingBench struct {
	operator
	daemon killable
	edge   scripted
	hook   *moody
	conf   string
}

func newRecordingBench(t *testing.T) *recordingBench {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	t.Setenv("RUNTIME_DIRECTORY", t.TempDir())
	b := &recordingBench{edge: startRouter(t, ctx), hook: newMoody(t)}
	b.daemon = killable{bin: buildPeervane(t), dir: t.TempDir(), log: &bytes.Buffer{}}
	b.daemon.configure(t, b.edge.listener.Addr().String(), b.hook.URL)
	b.conf = filepath.Join(b.daemon.dir, "peervane.toml")
	b.operator = operator{t, filepath.Join(os.Getenv("RUNTIME_DIRECTORY"), controlName)}
	b.edge.announce(netip.MustParsePrefix("10.0.0.0/8"), 64496)
	b.daemon.start(t)
	b.edge.await(t, ctx)
	return b
}

// hijacked has a more-specific come and go, and gives the two notices of it.
func (b *recordingBench) hijacked(i int) (fired, resolved notice.Notice) {
	b.Helper()
	of := func(taken []notice.Notice, status notice.Status) (found *notice.Notice) {
		for j := range taken {
			if n := &taken[j]; n.Status == status && n.Offending == hijack(i) {
				found = n
			}
		}
		return found
	}
	await := func(status notice.Status) (n notice.Notice) {
		b.hook.await(b.T, fmt.Sprint(status, " ", hijack(i)), func(taken []notice.Notice) bool {
			found := of(taken, status)
			if found != nil {
				n = *found
			}
			return found != nil
		})
		return n
	}
	b.edge.announce(hijack(i), 64510)
	fired = await(notice.Firing)
	b.edge.withdraw(hijack(i))
	return fired, await(notice.Resolved)
}

// TestRecord records a daemon in a process of its own in every way, and holds the replay to what the daemon told.
func TestRecord(t *testing.T) {
	b := newRecordingBench(t)
	for _, c := range []struct {
		name string
		test func(*recordingBench, *testing.T)
	}{
		{"interrupted", (*recordingBench).interrupted},
		{"for a time", (*recordingBench).forATime},
		{"what stands is found", (*recordingBench).findsWhatStands},
		{"refused", (*recordingBench).refuses},
		{"the daemon ends", (*recordingBench).outlives},
		{"the daemon is killed", (*recordingBench).outlivesKilled},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(b, t) })
	}
}

func (b *recordingBench) interrupted(t *testing.T) {
	r := startRecording(t, b.socket)
	fired, resolved := b.hijacked(1)
	r.interrupt()
	r.end(0, "of 1 vantages in ")
	told := r.notices(b.conf)
	if len(told) != 2 {
		t.Fatalf("%d notices in the replay: %+v", len(told), told)
	}
	for i, n := range []notice.Notice{fired, resolved} {
		if got, want := sameStory(t, told[i]), sameStory(t, n); got != want {
			t.Errorf("replayed\n%s\nlive\n%s", got, want)
		}
		if late := n.UpdatedAt.Sub(told[i].UpdatedAt.Time); late < 0 || late > time.Minute {
			t.Errorf("%s was told %v after it in the replay", n.Status, late)
		}
	}
	if !strings.Contains(fired.Summary, "edge") || fired.Evidence.Routes[0].Vantage != "edge" {
		t.Errorf("the session is not named: %+v", fired)
	}
	readByOthers(t, r.file)
	var printed, said bytes.Buffer
	code := run(t.Context(), &env{&printed, &said}, []string{"replay", "-c", b.conf, r.file, r.file})
	if code != exitFailed || printed.Len() > 0 || !strings.Contains(said.String(), "are both recordings of peervane record: replay them one by one") {
		t.Errorf("two recordings: exit code %d, %s%s", code, &printed, &said)
	}
}

func (b *recordingBench) forATime(t *testing.T) {
	r := startRecording(t, b.socket, "--for", "200ms")
	r.end(0, "of 1 vantages in ")
	piped, said := operator{t, b.socket}.types(0, "record", "-", "--for", "1ms")
	if !strings.Contains(piped, "pvtp") || !strings.HasPrefix(said, "recorded  ") {
		t.Errorf("%d octets on stdout; %s", len(piped), said)
	}
}

func (b *recordingBench) findsWhatStands(t *testing.T) {
	b.edge.announce(hijack(2), 64510)
	b.hook.await(t, "the hijack", func(taken []notice.Notice) bool { return taken[len(taken)-1].Offending == hijack(2) })
	r := startRecording(t, b.socket)
	r.interrupt()
	r.end(0, "")
	told := r.notices(b.conf)
	if len(told) != 1 || told[0].Status != notice.Firing || told[0].Offending != hijack(2) {
		t.Errorf("%+v", told)
	}
	b.edge.withdraw(hijack(2))
}

func (b *recordingBench) outlives(t *testing.T) {
	r := startRecording(t, b.socket)
	b.hijacked(3)
	if err := b.daemon.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := b.daemon.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, b.daemon.log)
	}
	r.end(exitFailed, "peervane: the recording ended early: the daemon ends; what was written can be used as far as it goes\n")
	if told := r.notices(b.conf); len(told) != 2 {
		t.Errorf("%+v", told)
	}
}

func (b *recordingBench) outlivesKilled(t *testing.T) {
	b.daemon.start(t)
	eventually(t, "no daemon", func() error { _, err := os.Stat(b.socket); return err })
	b.edge.await(t, t.Context())
	r := startRecording(t, b.socket)
	b.hijacked(4)
	b.daemon.kill(t)
	r.end(exitFailed, "peervane: the recording was broken off: ")
	if told := r.notices(b.conf); len(told) != 2 {
		t.Errorf("%+v", told)
	}
}

// refuses holds what goes wrong to an exit code and to leaving the older file alone.
func (b *recordingBench) refuses(t *testing.T) {
	o := operator{t, b.socket}
	o.types(exitUsage, "record")
	o.types(exitUsage, "record", "-", "--for", "-1s")
	o.types(exitFailed, "record", filepath.Join(t.TempDir(), "no", "folder", "recording.mrt"))
	var all []*tapingNow
	for range 4 {
		all = append(all, startRecording(t, b.socket))
	}
	file := filepath.Join(t.TempDir(), "older")
	if err := os.WriteFile(file, []byte("older"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, said := o.types(exitFailed, "record", file); !strings.Contains(said, "4 recordings are being made already") {
		t.Errorf("%s", said)
	}
	nobody := operator{t, filepath.Join(t.TempDir(), "nobody.sock")}
	nobody.types(exitFailed, "record", file)
	if kept, err := os.ReadFile(file); err != nil || string(kept) != "older" {
		t.Errorf("%q, %v", kept, err)
	}
	for _, r := range all {
		r.interrupt()
		r.end(0, "")
	}
}

// readByOthers has the recording read as the MRT that it is.
func readByOthers(t *testing.T, file string) {
	t.Helper()
	var ours, complaints bytes.Buffer
	if code := run(t.Context(), &env{&ours, &complaints}, []string{"dump", file}); code != 0 {
		t.Fatalf("exit code %d\n%s", code, &complaints)
	}
	for _, part := range []string{"|STATE|127.0.0.2|64500|5|6\n", "|A|127.0.0.2|64500|10.0.0.0/8|64500 64496|", "|A|127.0.0.2|64500|10.0.1.0/24|64500 64510|", "|W|127.0.0.2|64500|10.0.1.0/24\n"} {
		if !strings.Contains(ours.String(), part) {
			t.Errorf("%q is not in\n%s", part, &ours)
		}
	}
	bgpdump, err := exec.LookPath("bgpdump")
	if err != nil {
		skip(t, "no bgpdump")
	}
	theirs, err := exec.CommandContext(t.Context(), bgpdump, "-m", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	if ours.String() != string(theirs) {
		t.Errorf("dump\n%s\nbgpdump\n%s", &ours, theirs)
	}
}
