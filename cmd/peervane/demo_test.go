package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"peervane/daemon/notice"
	"peervane/probe/netlab"
)

// TestDemo runs the program itself, as its user would.
func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	dir := shortDir(t)
	binary := filepath.Join(dir, "peervane")
	if err := errors.Join(os.Rename(buildPeervane(t), binary), os.Chmod(dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]func(*testing.T, string){
		"Whole": testDemoWhole, "Unprivileged": testDemoUnprivileged, "WithoutNamespaces": testDemoWithoutNamespaces,
		"JSON": testDemoJSON, "Interrupted": testDemoInterrupted, "Unread": testDemoUnread,
	} {
		t.Run(name, func(t *testing.T) { test(t, binary) })
	}
}

// demoRun is `peervane demo` in a process of its own, whose temporary files go to a folder of the test.
type demoRun struct {
	*exec.Cmd
	temp           string
	stdout, stderr bytes.Buffer
}

// newDemoRun prepares one that anybody could start. None outlives the test.
func newDemoRun(t *testing.T, binary string, args ...string) *demoRun {
	t.Helper()
	temp, err := os.MkdirTemp(filepath.Dir(binary), "temp")
	if err == nil {
		err = os.Chmod(temp, 0o777)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	t.Cleanup(cancel)
	d := &demoRun{Cmd: exec.CommandContext(ctx, binary, append([]string{"demo"}, args...)...), temp: temp}
	d.Env = append(os.Environ(), "TMPDIR="+temp)
	d.Dir = "/"
	d.Stdout, d.Stderr = &d.stdout, &d.stderr
	return d
}

// ends holds the demo to an exit code, and to leaving nothing: Wait returns when the last process that holds its output
// has ended.
func (d *demoRun) ends(t *testing.T, code int) {
	t.Helper()
	_ = d.Wait()
	if got := d.ProcessState.ExitCode(); got != code {
		t.Errorf("%s, want exit code %d\n%s\n%s", d.ProcessState, code, &d.stdout, &d.stderr)
	}
	left, err := os.ReadDir(d.temp)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// whole runs it from beginning to end.
func (d *demoRun) whole(t *testing.T) {
	t.Helper()
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	d.ends(t, 0)
	if d.stderr.Len() > 0 {
		t.Errorf("stderr: %s", &d.stderr)
	}
}

func needsNamespaces(t *testing.T) {
	t.Helper()
	if err := netlab.Available(); err != nil {
		skip(t, err.Error())
	}
}

func testDemoWhole(t *testing.T, binary string) {
	needsNamespaces(t)
	d := newDemoRun(t, binary, "--pace", "fast")
	d.whole(t)
	checkStory(t, d.stdout.String(), true)
}

func testDemoUnprivileged(t *testing.T, binary string) {
	if os.Geteuid() != 0 {
		t.Skip("every other test is without privilege already")
	}
	needsNamespaces(t)
	d := newDemoRun(t, binary, "--pace", "fast")
	const nobody = 65534
	d.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	d.whole(t)
	if strings.Contains(d.stdout.String(), netlab.ErrUnavailable.Error()) {
		skip(t, d.stdout.String())
	}
	checkStory(t, d.stdout.String(), true)
}

// Where namespaces are forbidden the story is told all the same, without its last chapter, and says why.
func testDemoWithoutNamespaces(t *testing.T, binary string) {
	needsNamespaces(t)
	d := newDemoRun(t, binary, "--pace", "fast")
	d.Args = append([]string{"sh", "-c", `echo 0 >/proc/sys/user/max_net_namespaces && exec "$@"`, "sh"}, d.Args...)
	d.Path = "/bin/sh"
	d.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Geteuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getegid(), Size: 1}},
	}
	d.whole(t)
	checkStory(t, d.stdout.String(), false)
	if text := words(d.stdout.String()); !strings.Contains(text, netlab.ErrUnavailable.Error()) {
		t.Errorf("it does not say that %s:\n%s", netlab.ErrUnavailable, text)
	}
}

// TestDemoOnLoopback runs in this very process, and looks for what it leaves there.
func TestDemoOnLoopback(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	t.Setenv("TMPDIR", t.TempDir())
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), &env{stdout: &stdout, stderr: &stderr}, []string{"demo", "--loopback", "--pace", "fast"}); code != 0 {
		t.Errorf("exit code %d: %s", code, &stderr)
	}
	checkStory(t, stdout.String(), false)
	if left, err := os.ReadDir(os.Getenv("TMPDIR")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// words is a text without its line breaks.
func words(text string) string { return strings.Join(strings.Fields(text), " ") }

// checkStory holds what was printed to what the chapters promise: each alert told, each ASN named.
func checkStory(t *testing.T, text string, measured bool) {
	t.Helper()
	stage := &demoStage{}
	if measured {
		stage.internet = &demoInternet{}
	}
	for _, c := range demoChapters {
		told := c.needs == nil || c.needs(stage)
		if strings.Contains(text, c.title) != told {
			t.Errorf("chapter %q: told is not %t", c.title, told)
		}
		for _, s := range c.scenes {
			for _, a := range s.expect {
				line := fmt.Sprintf(`(?m)^ *%s   \w+ %s, .* after the UPDATE`, cmp.Or(strings.ToUpper(string(a.status)), "[A-Z]+"), a.kind)
				if told && (measured || !a.measured) && !regexp.MustCompile(line).MatchString(text) {
					t.Errorf("no line matches %s", line)
				}
			}
		}
	}
	for _, name := range regexp.MustCompile(`\bAS(\d+)\b`).FindAllStringSubmatch(text, -1) {
		if asn, _ := strconv.ParseUint(name[1], 10, 32); nameOf(uint32(asn)) == "unknown" {
			t.Errorf("%s is not named", name[0])
		}
	}
	if strings.Contains(text, "\x1b") {
		t.Error("colours where there is no terminal")
	}
	if t.Failed() {
		t.Log(text)
	}
}

func testDemoJSON(t *testing.T, binary string) {
	needsNamespaces(t)
	d := newDemoRun(t, binary, "--json")
	d.whole(t)
	told, cost := map[string]map[notice.Status]notice.Notice{}, map[string]*notice.Latency{}
	for line := range strings.Lines(d.stdout.String()) {
		n, err := notice.Parse([]byte(line))
		if err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		if told[n.Type] == nil {
			told[n.Type] = map[notice.Status]notice.Notice{}
		}
		told[n.Type][n.Status] = n
		if l := n.Evidence.Latency; l != nil && l.AfterMS != nil {
			cost[n.Type] = l
		}
	}
	for _, kind := range []string{notice.SubPrefix, notice.RouteLeak, notice.PathChange} {
		fired, resolved := told[kind][notice.Firing], told[kind][notice.Resolved]
		if fired.Incident == "" || fired.Incident != resolved.Incident {
			t.Errorf("%s: fired as %q, resolved as %q", kind, fired.Incident, resolved.Incident)
		}
	}
	if n := told[notice.SubPrefix][notice.Firing]; n.CulpritASN != 17557 || n.Offending != youtube24 || n.Prefix != youtube22 {
		t.Errorf("got %+v", n)
	}
	if n := told[notice.RouteLeak][notice.Firing]; n.CulpritASN != 64510 || n.Offending != cloud24 ||
		!slices.Equal(n.Evidence.Methods, []string{"aspa", "relationships"}) || n.Evidence.LeakType != 1 {
		t.Errorf("got %+v", n)
	}
	for _, kind := range []string{notice.RouteLeak, notice.PathChange} {
		if l := cost[kind]; l == nil || l.BeforeMS == nil || *l.AfterMS-*l.BeforeMS < 30 {
			t.Errorf("%s: at the cost of %+v, want 30 ms at least", kind, l)
		}
	}
}

// demoPlaces are the arguments that choose where it plays. Without namespaces both are the same.
var demoPlaces = map[string][]string{"internet": nil, "loopback": {"--loopback"}}

// Ctrl-C in the middle of the story.
func testDemoInterrupted(t *testing.T, binary string) {
	for name, where := range demoPlaces {
		t.Run(name, func(t *testing.T) {
			d := newDemoRun(t, binary, where...)
			lines := d.follow(t)
			lines.until(t, "18:47")
			if err := d.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			lines.until(t, "") // the end
			d.ends(t, exitInterrupted)
			if took := time.Since(began); took > patience/2 {
				t.Errorf("it went on for %s", took)
			}
		})
	}
}

// A reader that goes away, as head does.
func testDemoUnread(t *testing.T, binary string) {
	for name, where := range demoPlaces {
		t.Run(name, func(t *testing.T) {
			d := newDemoRun(t, binary, append(where, "--pace", "fast")...)
			lines := d.follow(t)
			lines.until(t, "Peering")
			lines.Close()
			d.ends(t, exitFailed)
			if d.stderr.Len() > 0 {
				t.Errorf("stderr: %s", &d.stderr)
			}
		})
	}
}

// demoLines is what a demo prints, as it comes.
type demoLines struct {
	io.ReadCloser
	text []byte
}

// follow starts a demo and reads along.
func (d *demoRun) follow(t *testing.T) *demoLines {
	t.Helper()
	d.Stdout = nil
	out, err := d.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	return &demoLines{ReadCloser: out}
}

// until reads until a text has come; "" stands for the end.
func (l *demoLines) until(t *testing.T, text string) {
	t.Helper()
	b := make([]byte, 4096)
	for text == "" || !bytes.Contains(l.text, []byte(text)) {
		n, err := l.Read(b)
		l.text = append(l.text, b[:n]...)
		if err == io.EOF && text == "" {
			return
		}
		if err != nil {
			t.Fatalf("%v before %q: %s", err, text, l.text)
		}
	}
}

func TestDemoUsage(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if code := run(t.Context(), &env{stdout: &stdout, stderr: &stderr}, []string{"demo", "--pace", "warp"}); code != exitUsage {
		t.Errorf("exit code %d, want %d: %s", code, exitUsage, &stderr)
	}
}

// Whatever the scenes announce and expect, everything is named and every incident ends.
func TestDemoChapters(t *testing.T) {
	open := map[string]bool{}
	for _, c := range demoChapters {
		for _, s := range c.scenes {
			for _, u := range append(s.updates, demoBefore...) {
				for _, asn := range u.path {
					if nameOf(asn) == "unknown" {
						t.Errorf("AS%d is not named", asn)
					}
				}
			}
			for _, a := range s.expect {
				open[a.kind+" "+a.offending.String()] = a.status != notice.Resolved
			}
		}
	}
	for incident, is := range open {
		if is {
			t.Errorf("%s is not told to resolve", incident)
		}
	}
}
