package main

import (
	"context"
	"encoding/hex"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"go.uber.org/goleak"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMain lets scripts run the program: it is this very binary, under its own name.
func TestMain(m *testing.M) {
	testscript.Main(leakless{m}, map[string]func(){"peervane": main})
}

// leakless fails the tests that leave a goroutine behind.
type leakless struct{ *testing.M }

func (l leakless) Run() int {
	code := l.M.Run()
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// TestScripts runs the command line as users do. Each script is a page of its own manual: what is typed, what is printed
// where, and the exit code.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *update,
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup:               setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code":     scriptCode,
			"unhex":    scriptUnhex,
			"free":     scriptFree,
			"await":    scriptAwait,
			"signal":   scriptSignal,
			"router":   scriptRouter,
			"announce": scriptAnnounce,
			"withdraw": scriptWithdraw,
		},
	})
}

// setUpScript keeps what a service manager or a terminal says to the test from the programs under it.
func setUpScript(e *testscript.Env) error {
	for _, name := range []string{"NOTIFY_SOCKET", "LISTEN_FDS", "JOURNAL_STREAM", "STATE_DIRECTORY", "RUNTIME_DIRECTORY", "CREDENTIALS_DIRECTORY"} {
		e.Setenv(name, "")
	}
	e.Setenv("TZ", "America/St_Johns") // no output depends on where the host stands
	e.Values["routers"] = routers{}
	return nil
}

// scriptCode runs a command and holds it to an exit code: code 64 peervane bogus.
func scriptCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := "0"
	if err != nil {
		got = strings.TrimPrefix(err.Error(), "exit status ")
	}
	if got != args[0] {
		ts.Fatalf("exit code %s, want %s", got, args[0])
	}
}

// scriptUnhex makes a binary file of a text: hexadecimal digits, with blanks and comments: unhex TEXT FILE.
func scriptUnhex(ts *testscript.TestScript, _ bool, args []string) {
	var digits strings.Builder
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		line, _, _ = strings.Cut(line, "#")
		digits.WriteString(strings.Join(strings.Fields(line), ""))
	}
	b, err := hex.DecodeString(digits.String())
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), b, 0o600))
}

// scriptFree finds an address that nobody listens on, and sets a variable to it: free HTTP.
func scriptFree(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	defer l.Close()
	ts.Setenv(args[0], l.Addr().String())
}

// scriptAwait asks a page again and again until it shows what it must: await URL REGEXP.
func scriptAwait(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile("(?m)" + args[1])
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute) // far more than it takes
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		got, err := page(ctx, args[0])
		if err == nil && want.MatchString(got) {
			return
		}
		select {
		case <-ctx.Done():
			ts.Fatalf("%s does not show %s: %v\n%s", args[0], args[1], err, got)
		case <-again.C:
		}
	}
}

func page(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return string(body), err
}

// scriptSignal sends a signal to all programs in the background: signal TERM.
func scriptSignal(ts *testscript.TestScript, _ bool, args []string) {
	signals := map[string]syscall.Signal{"TERM": syscall.SIGTERM, "HUP": syscall.SIGHUP}
	for _, cmd := range ts.BackgroundCmds() {
		ts.Check(cmd.Process.Signal(signals[args[0]]))
	}
}

// routers are the BGP neighbours of a script, by name.
type routers map[string]*router

func routersOf(ts *testscript.TestScript) routers { return ts.Value("routers").(routers) }

// scriptRouter starts a router of AS64500, and sets a variable to its port at 127.0.0.2: router EDGE.
func scriptRouter(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.2:0")
	ts.Check(err)
	r := newRouter(64500, netip.MustParseAddr("127.0.0.2"))
	routersOf(ts)[args[0]] = r
	ts.Setenv(args[0], strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.serve(ctx, l) }()
	ts.Defer(func() {
		cancel()
		ts.Check(<-ended)
	})
}

// scriptAnnounce lets a router announce a prefix: announce EDGE PREFIX ASN...
func scriptAnnounce(ts *testscript.TestScript, _ bool, args []string) {
	var path []uint32
	for _, text := range args[2:] {
		asn, err := strconv.ParseUint(text, 10, 32)
		ts.Check(err)
		path = append(path, uint32(asn))
	}
	routersOf(ts)[args[0]].announce(prefixArg(ts, args[1]), path...)
}

// scriptWithdraw takes it back: withdraw EDGE PREFIX.
func scriptWithdraw(ts *testscript.TestScript, _ bool, args []string) {
	routersOf(ts)[args[0]].withdraw(prefixArg(ts, args[1]))
}

func prefixArg(ts *testscript.TestScript, text string) netip.Prefix {
	p, err := netip.ParsePrefix(text)
	ts.Check(err)
	return p
}
