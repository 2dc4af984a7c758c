package main

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// alarmed is peervane with one registered prefix, whose incidents it tells on its log once they are on disk.
var alarmed = func() *receiver {
	r := *peervaneFull
	r.config = parse(peervaneText + `
[[prefix]]
prefix = "` + registered.String() + `"
origins = [64496]
expect = "optional"
`)
	return &r
}()

// betweenChanges is the longest pause before a change, so that they fall into all that a load has of phases.
const betweenChanges = 5 * time.Millisecond

var registered = netip.MustParsePrefix("10.0.0.0/8")

// latency measures how long it takes from the write of an UPDATE that hijacks a more-specific until its notice is told, which is
// once it is on disk: while nothing else happens, and while another neighbour loads its full table over and over. Between them, so
// that it finds the same disk, it measures what fdatasync takes alone.
func latency(ctx context.Context, o *options, t *table) error {
	b, err := alarmed.newBed(o, t, 2)
	if err != nil {
		return err
	}
	defer b.remove()
	told := &watcher{seen: make(chan seen, 1024)}
	p, err := startWatched(b.command(b), told)
	if err != nil {
		return err
	}
	defer p.stop()
	quiet, err := connect(ctx, b.listen(), 0)
	if err != nil {
		return err
	}
	defer quiet.close()
	if err := quiet.send(endOfRIBs()); err != nil {
		return err
	}
	time.Sleep(o.settle)
	fmt.Printf("| from write to | judged, p50, ms | p99, ms | told, p50, ms | p99, ms | fdatasync p50, ms | p99, ms | queued (read to queue), p50 at most, ms | p99 at most, ms |\n|---|---|---|---|---|---|---|---|---|\n")
	if err := b.hijacks(ctx, o, quiet, told, "nothing else happens"); err != nil {
		return err
	}
	stop := b.loadAgainAndAgain(ctx, t, 1)
	err = b.hijacks(ctx, o, quiet, told, "another peer loads a full table")
	loads := stop()
	fmt.Printf("\n%d tables were loaded meanwhile.\n\n", loads)
	return err
}

func endOfRIBs() []byte {
	return newTable(nil, netip.MustParsePrefix("198.51.100.0/24")).of(speakerASN(0))
}

// hijacks announces and withdraws, one after the other.
func (b *bed) hijacks(ctx context.Context, o *options, s *speaker, told *watcher, when string) error {
	before, err := b.histogram(ctx, "peervane_detect_seconds")
	if err != nil {
		return err
	}
	disk, err := openDisk(b.Dir)
	if err != nil {
		return err
	}
	defer disk.close()
	var judged, took []time.Duration
	for i := range o.changes {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{10, byte(i >> 7), byte(i << 1), 0}), 24)
		culprit := 100_000 + uint32(i) // each its own: what one culprit does to many prefixes is told as a group
		for _, say := range []func() error{func() error { return s.announce(p, culprit) }, func() error { return s.withdraw(p) }} {
			time.Sleep(rand.N(betweenChanges))
			began := time.Now()
			if err := say(); err != nil {
				return err
			}
			notice, err := told.of(ctx, p)
			if err != nil {
				return err
			}
			judged, took = append(judged, notice.judged().Sub(began)), append(took, notice.at.Sub(began))
			time.Sleep(rand.N(betweenChanges))
			if err := disk.sync(); err != nil {
				return err
			}
		}
	}
	after, err := b.histogram(ctx, "peervane_detect_seconds")
	if err != nil {
		return err
	}
	queued := after.since(before)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	fmt.Printf("| %s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f |\n", when,
		ms(percentile(judged, 0.5)), ms(percentile(judged, 0.99)), ms(percentile(took, 0.5)), ms(percentile(took, 0.99)),
		ms(percentile(disk.took, 0.5)), ms(percentile(disk.took, 0.99)), 1000*queued.atMost(0.5), 1000*queued.atMost(0.99))
	return nil
}

// loadAgainAndAgain lets the i-th neighbour load its table, until it is stopped, which says how often it was done.
func (b *bed) loadAgainAndAgain(ctx context.Context, t *table, i int) (stop func() (loads int)) {
	ctx, cancel := context.WithCancel(ctx)
	stream := t.of(speakerASN(i))
	loads := 0
	var work sync.WaitGroup
	work.Go(func() {
		for ctx.Err() == nil {
			s, err := connect(ctx, b.listen(), i)
			if err != nil {
				return
			}
			unhook := context.AfterFunc(ctx, func() { _ = s.conn.Close() })
			if s.send(stream) == nil {
				loads++
			}
			unhook()
			s.close()
		}
	})
	return func() int {
		cancel()
		work.Wait()
		return loads
	}
}

// watcher hears of the incidents that a daemon logs.
type watcher struct {
	rest []byte
	seen chan seen
}

type seen struct {
	at   time.Time
	line string
}

func (w *watcher) Write(b []byte) (int, error) {
	now := time.Now()
	w.rest = append(w.rest, b...)
	for {
		line, rest, whole := bytes.Cut(w.rest, []byte("\n"))
		if !whole {
			return len(b), nil
		}
		if bytes.Contains(line, []byte(`"msg":"incident"`)) {
			select {
			case w.seen <- seen{now, string(line)}:
			default: // nobody waits for so many
			}
		}
		w.rest = rest
	}
}

// of waits for the next incident of a prefix.
func (w *watcher) of(ctx context.Context, p netip.Prefix) (seen, error) {
	for {
		select {
		case s := <-w.seen:
			if strings.Contains(s.line, `"`+p.String()+`"`) {
				return s, nil
			}
		case <-ctx.Done():
			return seen{}, fmt.Errorf("no notice of %s: %w", p, ctx.Err())
		}
	}
}

var updatedAt = regexp.MustCompile(`"updated_at":"([^"]+)"`)

// judged is when the engine came to it, by the clock that both processes share. The notice is queued in the same step.
func (s seen) judged() time.Time {
	found := updatedAt.FindStringSubmatch(s.line)
	if found == nil {
		return time.Time{}
	}
	at, _ := time.Parse(time.RFC3339Nano, found[1]) // what is no time shows as a latency that nobody would believe
	return at
}

// disk measures what one commit takes at the least, on the disk of the state.
type disk struct {
	file *os.File
	took []time.Duration
}

// committed is what the transaction of one notice writes, about.
var committed = make([]byte, 48<<10)

func openDisk(dir string) (*disk, error) {
	f, err := os.Create(filepath.Join(dir, "fdatasync"))
	if err != nil {
		return nil, err
	}
	return &disk{file: f}, nil
}

// sync appends so much, and waits for the disk. Only that wait counts.
func (d *disk) sync() error {
	if _, err := d.file.Write(committed); err != nil {
		return err
	}
	began := time.Now()
	err := unix.Fdatasync(int(d.file.Fd()))
	d.took = append(d.took, time.Since(began))
	return err
}

func (d *disk) close() { _ = d.file.Close() }

// histogram is one of Prometheus: how many observations were at most so great.
type histogram []struct{ most, count float64 }

func (b *bed) histogram(ctx context.Context, name string) (h histogram, err error) {
	body, err := b.get(ctx, "/metrics")
	for line := range strings.Lines(string(body)) {
		var bucket struct{ most, count float64 }
		if _, err := fmt.Sscanf(line, name+`_bucket{le="%g"} %g`, &bucket.most, &bucket.count); err == nil {
			h = append(h, bucket)
		}
	}
	return h, err
}

func (h histogram) since(before histogram) histogram {
	for i := range h {
		if i < len(before) {
			h[i].count -= before[i].count
		}
	}
	return h
}

// atMost is the bucket's bound under which that share lies.
func (h histogram) atMost(q float64) float64 {
	if len(h) == 0 {
		return 0
	}
	for _, b := range h {
		if b.count >= q*h[len(h)-1].count {
			return b.most
		}
	}
	return h[len(h)-1].most
}
