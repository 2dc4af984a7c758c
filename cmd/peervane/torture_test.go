package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	defaultKills  = 500
	killsOfARound = 42
	mostMemory    = 300 << 10 // kilobytes
	tortureWait   = 90 * time.Second
)

// torture is the daemon, its router, and the receivers of all its channels.
type torture struct {
	*testing.T
	*tormented
	*ledger
	names   *names
	victims []*victim
	random  *rand.Rand
	next    int            // hijack
	stand   []netip.Prefix // hijacks, oldest first
	moved   int            // how often the channel that is gone was given another address
}

// audiences are the channels. The first is always well.
var audiences = []audience{
	{name: "steady"}, {name: "a"}, {name: "b"}, {name: "c"}, {name: "tls"}, {name: "rebound"},
	{name: "stern", unordered: true}, {name: "gone", unordered: true}, {name: "others", nothing: true}, {name: "noends", noEnds: true},
}

// TestTorture has the daemon killed 500 times at random points while its receivers behave in every bad way there is, and then
// takes its disk, its database, its permissions and its clock away. After each round, and after each disaster, every hijack
// was told to every channel that should know of it, under one id and in order, every end to those who were told, and
// memory was bounded. PEERVANE_TORTURE_KILLS asks for another number of kills.
func TestTorture(t *testing.T) {
	if testing.Short() {
		t.Skip("takes minutes")
	}
	if !onStage(t) {
		return
	}
	setStage(t)
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	o := newTorture(t, ctx)
	kills := defaultKills
	if n, err := strconv.Atoi(os.Getenv("PEERVANE_TORTURE_KILLS")); err == nil {
		kills = n
	}
	for round := 0; kills > 0; round++ {
		o.misbehave(round)
		o.meet()
		for range min(kills, killsOfARound) {
			o.liveAndDie()
		}
		kills -= killsOfARound
		o.settle(fmt.Sprint("round ", round))
		o.die(t)
	}
	o.live(t)
	o.fullDisk()
	o.truncated()
	o.forbidden()
	o.steppedClock()
	for len(o.stand) > 0 {
		o.withdrawOldest()
	}
	o.settle("the end of all")
	o.die(t)
	o.last()
}

func newTorture(t *testing.T, ctx context.Context) *torture {
	o := &torture{T: t, tormented: newTormented(t, ctx), ledger: newLedger(audiences), names: &names{}, random: rand.New(rand.NewPCG(1, 2))}
	o.names.serve(t)
	good, bad := newTortureCA(t), newTortureCA(t)
	must(t, os.WriteFile(filepath.Join(o.dir, "ca.pem"), good.pem, 0o644))
	for _, a := range audiences {
		v := &victim{channel: a.name, address: "127.0.0.1:0", ledger: o.ledger}
		switch a.name {
		case "tls":
			v.certify = certifier(good, bad)
		case "rebound":
			v.address, v.rebind = publicAddress+":0", o.names.rebind
		}
		must(t, v.behave(well))
		t.Cleanup(v.end)
		o.victims = append(o.victims, v)
	}
	o.configure()
	o.edge.announce(netip.MustParsePrefix("10.0.0.0/8"), 64496)
	return o
}

// secretKey is what signs for a channel. The log must not tell it.
func secretKey(channel string) string {
	return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(channel+"!"), 32)[:32])
}

func secretToken(channel string) string { return "token-of-" + channel }

func (o *torture) configure() {
	host, port, _ := strings.Cut(o.edge.listener.Addr().String(), ":")
	var b strings.Builder
	fmt.Fprintf(&b, `
[daemon]
asn = 64512
router_id = "127.0.0.1"
http = ""
state_dir = %q
[log]
level = "debug"
format = "json"
[retention]
size = "10MB"
[[peer]]
name = "edge"
address = %q
port = %s
asn = 64500
local_address = "127.0.0.1"
relationship = "provider"
connect_retry = "1s"
[[prefix]]
prefix = "10.0.0.0/8"
origins = [64496]
max_length = 24
`, o.state, host, port)
	for _, v := range o.victims {
		scheme, host := "http", "127.0.0.1:"+v.port()
		more := "allow_private = true\n"
		switch v.channel {
		case "tls":
			scheme, more = "https", more+"ca_file = \"ca.pem\"\n"
		case "rebound":
			host, more = reboundName+":"+v.port(), ""
		case "others":
			more += "types = [\"route_leak\"]\n"
		case "noends":
			more += "resolve = false\n"
		}
		url := fmt.Sprintf("%s://%s/%s/%d", scheme, host, secretToken(v.channel), o.moved)
		must(o.T, os.WriteFile(filepath.Join(o.dir, v.channel+".url"), []byte(url), 0o644))
		must(o.T, os.WriteFile(filepath.Join(o.dir, v.channel+".key"), []byte("whsec_"+secretKey(v.channel)), 0o644))
		fmt.Fprintf(&b, "[[channel]]\nname = %q\nkind = \"webhook\"\nurl_file = \"%s.url\"\nsecret_file = \"%s.key\"\n%s", v.channel, v.channel, v.channel, more)
	}
	must(o.T, os.WriteFile(filepath.Join(o.dir, "peervane.toml"), []byte(b.String()), 0o644))
}

// misbehave gives each receiver a fault of its own.
func (o *torture) misbehave(round int) {
	for _, v := range o.victims {
		f := well
		switch v.channel {
		case "a":
			f = passing[round%len(passing)]
		case "b":
			f = passing[(round+5)%len(passing)]
		case "c":
			f = passing[(round*7+2)%len(passing)]
		case "stern":
			f = refusing[round%len(refusing)]
		case "gone":
			f = [...]fault{well, leaving, passing[0]}[round%3]
		case "tls":
			f = [...]fault{forging, well}[round%2]
		case "rebound":
			f = [...]fault{well, rebinder}[round%2]
		}
		must(o.T, v.behave(f))
	}
}

// meet has the daemon see once what the receivers do, in lives that are long enough on any machine: those that follow last for
// milliseconds.
func (o *torture) meet() {
	for range 4 { // the second time that it asks for an address it gets another
		if o.met() {
			return
		}
		o.live(o.T)
		o.announceOne()
		look := time.NewTicker(20 * time.Millisecond)
		for end := time.Now().Add(3 * time.Second); !o.met() && time.Now().Before(end); {
			<-look.C
		}
		look.Stop()
		o.die(o.T)
	}
}

// met says whether the log knows what every receiver does now.
func (o *torture) met() bool {
	log := o.words.all()
	return !slices.ContainsFunc(o.victims, func(v *victim) bool { return !bytes.Contains(log, []byte(v.does().logged)) })
}

func (o *torture) announceOne() {
	p := hijack(o.next)
	o.stands(p, true)
	o.edge.announce(p, uint32(200_000+o.next)) // each by a culprit of its own: none are grouped
	o.next, o.stand = o.next+1, append(o.stand, p)
}

func (o *torture) withdrawOldest() {
	if len(o.stand) == 0 {
		return
	}
	o.stands(o.stand[0], false)
	o.edge.withdraw(o.stand[0])
	o.stand = o.stand[1:]
}

// liveAndDie is one life: a hijack begins, another ends, and the daemon is killed at a random point; one in four dies while
// it starts.
func (o *torture) liveAndDie() {
	early := o.random.IntN(4) == 0
	if early {
		o.start(o.T)
		<-time.After(time.Duration(o.random.IntN(60_000)) * time.Microsecond) // the random point, not a wait for something
		o.die(o.T)
		return
	}
	o.live(o.T)
	o.announceOne()
	if len(o.stand) > 10 {
		o.withdrawOldest()
	}
	<-time.After(time.Duration(o.random.IntN(15_000)) * time.Microsecond)
	o.die(o.T)
}

// settle lets the receivers be well, and waits until all has been told that is to be told. The operator does his part: what
// was refused is replayed, and the channel that was gone has another address.
func (o *torture) settle(when string) {
	o.Helper()
	began := time.Now()
	for _, v := range o.victims {
		must(o.T, v.behave(well))
	}
	if o.running() {
		o.die(o.T)
	}
	o.moved++
	o.configure()
	o.live(o.T)
	o.announceOne() // the first that a channel takes hurries all that waits
	o.await(when)
	o.judge(o.T, when)
	o.Logf("%s: %d hijacks, %d stand, %d deliveries taken, settled in %v", when, o.next, len(o.stand), o.attempts, time.Since(began).Round(time.Millisecond))
	if o.Failed() {
		o.Fatalf("the log ends with\n%s", o.lastWords())
	}
}

func (o *torture) await(when string) {
	o.Helper()
	operator := operator{o.T, filepath.Join(o.runtime, controlName)}
	replay := time.NewTicker(250 * time.Millisecond)
	defer replay.Stop()
	for late := time.After(tortureWait); ; {
		missing := o.missing()
		if len(missing) == 0 {
			return
		}
		select {
		case <-o.fresh:
		case <-replay.C:
			if slices.ContainsFunc(missing, func(m string) bool { return strings.HasPrefix(m, "stern") || strings.HasPrefix(m, "gone") }) {
				operator.types(0, "deadletter", "replay", "--all")
			}
		case <-late:
			o.Fatalf("%s: %d are still to be told, among them\n%s\nthe log ends with\n%s", when, len(missing), strings.Join(missing[:min(20, len(missing))], "\n"), o.lastWords())
		}
	}
}

func (o *torture) running() bool {
	return o.cmd != nil && o.cmd.ProcessState == nil && o.cmd.Process.Signal(syscall.Signal(0)) == nil
}

// last looks at what only the end can show.
func (o *torture) last() {
	if o.peak == 0 || o.peak > mostMemory {
		o.Errorf("it took %d kB of memory", o.peak)
	}
	o.Logf("%d hijacks, %d deliveries taken, %d kB of memory at most", o.next, o.attempts, o.peak)
	log := o.words.all()
	for _, a := range audiences {
		if bytes.Contains(log, []byte(secretKey(a.name))) || bytes.Contains(log, []byte(secretToken(a.name))) {
			o.Errorf("the log tells a secret of %s", a.name)
		}
	}
	if bytes.Contains(log, []byte("panic")) {
		o.Error("something panicked")
	}
	if o.next < defaultKills {
		return // too few to have met all
	}
	for _, reason := range []string{
		"the address is private", "the certificate cannot be verified", "connection refused", "connection reset", "answered 301", "answered 400", "answered 401",
		"answered 404", "answered 410", "answered 413", "answered 429", "answered 500", "answered 503", "channel works again", "channel disabled",
	} {
		if !bytes.Contains(log, []byte(reason)) {
			o.Errorf("%q was never met: that proves nothing", reason)
		}
	}
}
