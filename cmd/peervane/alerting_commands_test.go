package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"peervane/daemon/api"
	"peervane/daemon/notice"
)

// duty is somebody who has the night shift, and types the commands of docs/alerting.md, one after the other, at a daemon for
// which a prefix of the page was just hijacked. Its channel noc works, and its channel hook refuses what it is sent.
type duty struct {
	operator
	d                 *killable
	edge              scripted
	noc, hook         *moody
	http, file        string
	incident, silence string
}

var (
	dutyPrefix = netip.MustParsePrefix("203.0.113.0/24")
	dutyHijack = [...]netip.Prefix{netip.MustParsePrefix("203.0.113.128/25"), netip.MustParsePrefix("203.0.113.0/25")}
)

// dutyKnows says how each command is tried out. One that is missing here fails the test. Those without a function are run
// by the test that is named.
var dutyKnows = map[string]func(o *duty, args []string){
	"incidents":         (*duty).list,
	"incidents list":    (*duty).listGroup,
	"incidents show":    (*duty).show,
	"incidents follow":  (*duty).follow,
	"events":            (*duty).events,
	"revalidate":        (*duty).revalidate,
	"replay":            (*duty).replay,
	"ack":               (*duty).ack,
	"silence add":       (*duty).silenceAdd,
	"silence list":      (*duty).silenceList,
	"silence remove":    (*duty).silenceRemove,
	"check":             (*duty).check,
	"test-alert":        (*duty).testAlert,
	"deadletter list":   (*duty).letterList,
	"deadletter replay": (*duty).letterReplay,
	"deadletter drop":   (*duty).letterDrop,
	"status":            (*duty).status,
	"backup":            (*duty).backup,
	"run":               nil, // what all the others ask: newDuty starts it
	"echo":              nil, // newDuty makes the key with it
	"npm install":       nil, // TestAlertingReceivers of daemon/notify
}

var (
	commandSpan = regexp.MustCompile("`((?:peervane|npm|echo) [^`]+)`")
	shellWord   = regexp.MustCompile(`"[^"]*"|\S+`)
	// bareCommand is a command without its program, by which the test would pass it over.
	bareCommand = regexp.MustCompile("`(?:replay|drop|list|show|follow|ack|silence|deadletter|incidents|backup)(?: [^`]*)?`")
)

// TestAlertingCommands types every command of docs/alerting.md, in order.
func TestAlertingCommands(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a few seconds")
	}
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "alerting.md"))
	if err != nil {
		t.Fatal(err)
	}
	prose := fence.ReplaceAllString(string(text), "")
	if bare := bareCommand.FindString(prose); bare != "" {
		t.Errorf("%s: write the whole command", bare)
	}
	typedSo := map[string]bool{}
	o := newDuty(t, commandSpan.FindAllString(prose, -1))
	for _, span := range commandSpan.FindAllStringSubmatch(prose, -1) {
		args := shellWord.FindAllString(strings.TrimPrefix(span[1], "peervane "), -1)
		for i := range args {
			args[i] = strings.Trim(args[i], `"`)
		}
		name := dutyCommand(args)
		try, known := dutyKnows[name]
		if !known {
			t.Errorf("no test knows the command: %s", span[1])
		}
		typedSo[name] = true
		if try != nil {
			try(o, args)
		}
		if t.Failed() {
			t.Fatalf("after: %s; the daemon says\n%s", span[1], o.d.log)
		}
	}
	for name := range dutyKnows {
		if !typedSo[name] {
			t.Errorf("the page does not have the command %s", name)
		}
	}
}

// dutyCommand is what of a command says which it is.
func dutyCommand(args []string) string {
	if len(args) > 1 {
		if _, known := dutyKnows[args[0]+" "+args[1]]; known {
			return args[0] + " " + args[1]
		}
	}
	return args[0]
}

func newDuty(t *testing.T, spans []string) *duty {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	t.Cleanup(cancel)
	t.Setenv("RUNTIME_DIRECTORY", t.TempDir())
	o := &duty{
		operator: operator{t, filepath.Join(os.Getenv("RUNTIME_DIRECTORY"), controlName)}, edge: startRouter(t, ctx),
		noc: newMoody(t), hook: newMoody(t), http: freeAddr(t), d: &killable{bin: buildPeervane(t), dir: t.TempDir(), log: &bytes.Buffer{}},
	}
	o.hook.answer(http.StatusBadRequest)
	o.file = filepath.Join(o.d.dir, "peervane.toml")
	o.d.configure(t, o.edge.listener.Addr().String(), o.hook.URL)
	text, err := os.ReadFile(o.file)
	must(t, err)
	put(t, o.d.dir, "peervane.toml", strings.NewReplacer(`http = ""`, `http = "`+o.http+`"`, "10.0.0.0/8", dutyPrefix.String()).Replace(string(text)))
	o.d.add(t, "[[channel]]\nname = \"noc\"\nkind = \"webhook\"\nallow_private = true\nsecret_file = \"noc.key\"\nurl = \""+o.noc.URL+"\"\n")
	o.makeKey(spans)
	o.edge.announce(dutyPrefix, 64496)
	o.d.start(t)
	o.edge.await(t, ctx) // the control socket is open by then
	o.edge.announce(dutyHijack[0], 64510)
	o.incident = o.hijacked(dutyHijack[0])
	return o
}

// makeKey makes noc.key as the page says.
func (o *duty) makeKey(spans []string) {
	o.Helper()
	i := slices.IndexFunc(spans, func(s string) bool { return strings.HasPrefix(s, "`echo ") })
	if i < 0 {
		o.Fatal("the page does not say how a key is made")
	}
	if _, err := exec.LookPath("openssl"); err != nil {
		skip(o.T, "openssl is not installed")
	}
	shell := exec.CommandContext(o.Context(), "sh", "-c", "umask 077; "+strings.Trim(spans[i], "`"))
	shell.Dir = o.d.dir
	if out, err := shell.CombinedOutput(); err != nil {
		o.Fatalf("%v\n%s", err, out)
	}
}

// hijacked waits until a hijack was told to noc, and refused by hook.
func (o *duty) hijacked(offending netip.Prefix) (incident string) {
	o.Helper()
	o.noc.await(o.T, "the hijack", func(taken []notice.Notice) bool {
		incident = tells(taken, offending, notice.Firing, "")
		return incident != ""
	})
	o.awaitLettersOf(incident, 1)
	return incident
}

// awaitLettersOf waits until so many notices of an incident are dead letters. There may be others, of the group.
func (o *duty) awaitLettersOf(incident string, n int) {
	o.Helper()
	eventually(o.T, "the dead letters of "+incident, func() error {
		if letters := o.letters("--incident", incident); len(letters) != n {
			return fmt.Errorf("%d are there, and %d are to be: %+v", len(letters), n, letters)
		}
		return nil
	})
}

// asks types a command that goes over HTTP, once as it stands and once with --json, until it says what it must: what is
// shown there is as of a moment ago.
func (o *duty) asks(args []string, says string) {
	o.Helper()
	for _, more := range [][]string{nil, {"--json"}} {
		line := slices.Concat(args, []string{"--http", o.http}, more)
		eventually(o.T, strings.Join(line, " "), func() error {
			var out, complaints bytes.Buffer
			code := run(o.Context(), &env{&out, &complaints}, line)
			if code == 0 && strings.Contains(out.String(), says) && (more == nil || json.Valid(out.Bytes())) {
				return nil
			}
			return fmt.Errorf("exit code %d, and not %q in\n%s%s", code, says, &out, &complaints)
		})
	}
}

// commands types a command that goes over the control socket, and looks for what it must say.
func (o *duty) commands(args []string, pattern string) []string {
	o.Helper()
	out, _ := o.types(0, args...)
	m := regexp.MustCompile(pattern).FindStringSubmatch(out)
	if m == nil {
		o.Errorf("%v: does not match %s:\n%s", args, pattern, out)
	}
	return m
}

// named puts what is there in the place of a word that stands for it.
func named(args []string, word, is string) []string {
	args = slices.Clone(args)
	args[slices.Index(args, word)] = is
	return args
}

func (o *duty) list(args []string)   { o.asks(args, o.incident) }
func (o *duty) events(args []string) { o.asks(args, dutyHijack[0].String()) }
func (o *duty) status(args []string) { o.asks(args, "hook") }
func (o *duty) show(args []string)   { o.asks(named(args, "ID", o.incident), "hook") }

// listGroup has so many more hijacked that they are told as one.
func (o *duty) listGroup(args []string) {
	for i := range 32 {
		o.edge.announce(netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, 113, byte(8 * i)}), 29), 64510)
	}
	var group string
	o.noc.await(o.T, "the group", func(taken []notice.Notice) bool {
		i := slices.IndexFunc(taken, func(n notice.Notice) bool { return n.Evidence.Group != nil })
		if i >= 0 {
			group = taken[i].Incident
		}
		return i >= 0
	})
	o.asks(named(args, "ID", group), "203.0.113.248/29")
}

// follow is typed until it has shown what is open.
func (o *duty) follow(args []string) {
	for _, more := range [][]string{nil, {"--json"}} {
		ctx, stop := context.WithTimeout(o.Context(), time.Minute)
		seen := &seeing{what: o.incident, stop: stop}
		var complaints bytes.Buffer
		if code := run(ctx, &env{seen, &complaints}, slices.Concat(args, []string{"--http", o.http}, more)); code != 0 || !seen.is {
			o.Errorf("%v %v: exit code %d, %s", args, more, code, &complaints)
		}
		stop()
	}
}

// seeing stops something once it has seen what it waits for.
type seeing struct {
	what string
	is   bool
	stop func()
}

func (s *seeing) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte(s.what)) {
		s.is = true
		s.stop()
	}
	return len(p), nil
}

func (o *duty) revalidate(args []string) { o.commands(args, regexp.QuoteMeta(dutyPrefix.String())) }

func (o *duty) replay(args []string) {
	var out, complaints bytes.Buffer
	args = append(slices.Clone(args), "-c", o.file, put(o.T, o.TempDir(), "updates.gz", recorded(o.T)))
	if code := run(o.Context(), &env{&out, &complaints}, args); code != 0 || !strings.Contains(out.String(), dutyHijack[0].String()) {
		o.Errorf("%v: exit code %d\n%s%s", args, code, &out, &complaints)
	}
}

func (o *duty) ack(args []string) {
	comment := args[len(args)-1]
	o.commands(named(args, "ID", o.incident), "^incident "+o.incident+" acknowledged by ")
	o.noc.await(o.T, "the acknowledgement", func(taken []notice.Notice) bool {
		return slices.ContainsFunc(taken, func(n notice.Notice) bool {
			return n.Incident == o.incident && n.Reason == notice.ReasonAcknowledged && strings.HasSuffix(n.Summary, comment)
		})
	})
	o.awaitLettersOf(o.incident, 2) // and so hook, which refuses it
}

func (o *duty) silenceAdd(args []string) {
	if m := o.commands(args, `^silence (\w{26}) until \S+Z: prefix=\S+; it holds back [1-9]`); m != nil {
		o.silence = m[1]
	}
}

func (o *duty) silenceList(args []string) {
	o.commands(args, `(?m)^`+o.silence+` .*fibre work in Paris$`)
}

func (o *duty) silenceRemove(args []string) {
	o.commands(named(args, "ID", o.silence), "^silence "+o.silence+" removed\n$")
}

func (o *duty) check(args []string) {
	var out, complaints bytes.Buffer
	if code := run(o.Context(), &env{&out, &complaints}, append(slices.Clone(args), "-c", o.file)); code != 0 || !strings.Contains(out.String(), ": good: ") {
		o.Errorf("exit code %d\n%s%s", code, &out, &complaints)
	}
}

func (o *duty) testAlert(args []string) {
	o.commands(args, `^channel noc: firing test notice \w+ delivered in \S+\nchannel noc: resolved test notice \w+ delivered in \S+\n$`)
}

func (o *duty) letterList(args []string) {
	o.commands(args, `(?m)^\d+ +hook +subprefix +firing .* answered 400`)
}

// letterReplay has the receiver mended first.
func (o *duty) letterReplay(args []string) {
	o.hook.answer(http.StatusNoContent)
	o.changes(append(slices.Clone(args), "--channel", "hook"), "put into the outbox again")
	o.hook.await(o.T, "what was refused", func(taken []notice.Notice) bool { return has(taken, o.incident, notice.Firing) })
	o.awaitLettersOf(o.incident, 0)
}

// letterDrop forgets another that is refused.
func (o *duty) letterDrop(args []string) {
	o.hook.answer(http.StatusBadRequest)
	o.edge.announce(dutyHijack[1], 64511) // another culprit: it is told by itself
	incident := o.hijacked(dutyHijack[1])
	o.changes(append(slices.Clone(args), "--incident", incident), "dropped")
	o.awaitLettersOf(incident, 0)
}

// changes does something to dead letters, and reads what the answer says of it.
func (o *duty) changes(args []string, done string) {
	o.Helper()
	out, _ := o.types(0, append(args, "--json")...)
	var changed api.LettersChanged
	if err := json.Unmarshal([]byte(out), &changed); err != nil || changed.Done != done || changed.DeadLetters < 1 {
		o.Errorf("%v: %v, got %s", args, err, out)
	}
}

func (o *duty) backup(args []string) {
	copied := filepath.Join(o.TempDir(), "copy.db")
	o.types(0, named(args, "FILE", copied)...)
	open := openIncidents(o.operator, copied)
	if !slices.ContainsFunc(open, func(n notice.Notice) bool { return n.Incident == o.incident }) {
		o.Errorf("the copy lacks the incident: %+v", open)
	}
}
