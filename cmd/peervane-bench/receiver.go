package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/template"
	"time"
)

// receiver is a program that takes tables. A new one is a file and a line in receivers.
type receiver struct {
	name    string
	program string   // "" = made by us
	version []string // what makes it print its version
	config  *template.Template
	command func(*bed) *exec.Cmd
	// shown is how many routes it shows that it holds. nil: it cannot be asked, and has all once it rests.
	shown func(context.Context, *bed) (int, error)
	// ready says that all has come, where that can be asked for less than shown.
	ready   func(context.Context, *bed) (bool, error)
	every   time.Duration // how often it may be asked without being kept from its work
	watched bool          // it keeps only what is watched
	unfit   func() string // why it cannot run here
}

// receivers is what can be measured. The first but one is what the others are compared with.
var receivers = []*receiver{peervaneFull, birdShared, birdEach, peervaneWatched, frr, openbgpd, gobgpd, pmbgpd}

// bed is one run of a receiver.
type bed struct {
	*receiver
	Dir     string
	Addr    netip.Addr // where it listens
	Port    uint16
	HTTP    netip.AddrPort
	Monitor uint32
	Peers   []bedPeer
	Watched []netip.Prefix
	Last    netip.Prefix
	Program string // peervane's
}

type bedPeer struct {
	Index int
	Addr  netip.Addr
	ASN   uint32
}

func (r *receiver) newBed(o *options, t *table, peers int) (*bed, error) {
	dir, err := os.MkdirTemp("", "peervane-bench")
	if err != nil {
		return nil, err
	}
	b := &bed{
		receiver: r, Dir: dir, Addr: netip.AddrFrom4([4]byte{127, 0, 1, 200}), Port: o.port, Monitor: monitorAS,
		HTTP: netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 1, 200}), o.port+1), Last: t.last, Program: o.peervane,
	}
	for i := range peers {
		b.Peers = append(b.Peers, bedPeer{i + 1, speakerAddr(i), speakerASN(i)})
	}
	if r.watched {
		b.Watched = t.sample(o.watched)
	}
	return b, b.write()
}

func (b *bed) write() error {
	var text strings.Builder
	if err := b.config.Execute(&text, b); err != nil {
		return err
	}
	return os.WriteFile(b.file("conf"), []byte(text.String()), 0o600)
}

func (b *bed) file(name string) string { return filepath.Join(b.Dir, name) }

func (b *bed) listen() netip.AddrPort { return netip.AddrPortFrom(b.Addr, b.Port) }

func (b *bed) remove() { _ = os.RemoveAll(b.Dir) }

// missing says why a receiver cannot be measured here; "" = it can.
func (r *receiver) missing() string {
	if r.program == "" {
		return ""
	}
	if _, err := os.Stat(r.program); err != nil {
		return "not installed"
	}
	if r.unfit != nil {
		return r.unfit()
	}
	return ""
}

// versionLine is what it says of its version.
func (r *receiver) versionLine(o *options) string {
	program := r.program
	if program == "" {
		program = o.peervane
	}
	out, _ := exec.Command(program, r.version...).CombinedOutput() // some end with an error all the same
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}

func parse(text string) *template.Template {
	return template.Must(template.New("config").Parse(strings.TrimLeft(text, "\n")))
}

// run gives what a short command prints.
func run(ctx context.Context, name string, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, out)
	}
	return string(out), nil
}
