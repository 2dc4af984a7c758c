package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"peervane/config"
)

// stormRouter is the router of a storm, a process of its own: its processor time is not the daemon's, and it goes on to write
// when the daemon's scheduler is busy.
type stormRouter struct {
	testing.TB
	at     netip.AddrPort
	orders *json.Encoder
	told   *json.Decoder
}

// order is what the router is to do; the answer is when it wrote each hijack that measures.
type order struct {
	Shape  string
	N      int
	Do     string // "table", "rest" (N hijacks that measure), "strike" or "calm"
	Over   time.Duration
	Probes bool // hijacks that measure meanwhile
}

const routerEnv = "PEERVANE_STORM_ROUTER"

func startRouter(t testing.TB) *stormRouter {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program)
	c.Env, c.Stderr = append(os.Environ(), routerEnv+"=1"), os.Stderr
	in, err1 := c.StdinPipe()
	out, err2 := c.StdoutPipe()
	if err1 != nil || err2 != nil {
		t.Fatal(err1, err2)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := c.Wait(); err != nil {
			t.Error("the router: ", err)
		}
	})
	r := &stormRouter{TB: t, orders: json.NewEncoder(in), told: json.NewDecoder(out)}
	if err := r.told.Decode(&r.at); err != nil {
		t.Fatal(err)
	}
	first(c.Process.Pid)
	return r
}

// first lets a process have a processor before others, where that is allowed: a router has its own, and how long it waits for ours is
// nothing that the daemon does.
func first(pid int) {
	threads, _ := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	for _, thread := range threads {
		if id, err := strconv.Atoi(thread.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, id, -20) // its later threads are as these
		}
	}
}

// do waits until an order is carried out.
func (r *stormRouter) do(o order) (probes []time.Time) {
	r.Helper()
	if err := r.orders.Encode(o); err != nil {
		r.Fatal(err)
	}
	if err := r.told.Decode(&probes); err != nil {
		r.Fatal("the router: ", err)
	}
	return probes
}

// runRouter is the whole life of the process: until there are no more orders.
func runRouter(in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		return err
	}
	defer l.Close()
	_ = l.(*net.TCPListener).SetDeadline(time.Now().Add(time.Minute)) // nobody may come
	tell := json.NewEncoder(out)
	if err := tell.Encode(l.Addr().String()); err != nil {
		return err
	}
	conn, err := shake(l)
	if err != nil {
		return err
	}
	defer conn.Close()
	w := &weather{conn: conn}
	for orders := json.NewDecoder(in); ; {
		var o order
		if err := orders.Decode(&o); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		w.written = []time.Time{}
		if err := w.carryOut(o); err != nil {
			return err
		}
		if err := tell.Encode(w.written); err != nil {
			return err
		}
	}
}

// weather is what the router makes.
type weather struct {
	mu      sync.Mutex // held while something is written: what waits for that has not been written yet
	conn    net.Conn
	probes  int
	written []time.Time
}

func (w *weather) write(update []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.conn.Write(update)
	return err
}

func (w *weather) carryOut(o order) error {
	s := shapeOf(o.Shape)
	switch o.Do {
	case "table":
		return w.table(s.registered(o.N))
	case "rest":
		return w.probeUntil(nil, o.N) // nothing else happens
	case "strike":
		return w.rage(o, s.strike)
	case "calm":
		return w.rage(o, s.calm)
	}
	return fmt.Errorf("nobody knows how to %q", o.Do)
}

// table shows who announces what is registered.
func (w *weather) table(regs []config.Registration) error {
	all := says(probed, 64496)
	for _, reg := range regs {
		all = append(all, says(reg.Prefix, 64496)...)
	}
	return w.write(append(all, endsOfRIB()...))
}

// probe is a hijack that is told singly, and takes back the one before.
func (w *weather) probe() error {
	i := w.probes
	w.probes++
	at := func(i int) netip.Prefix {
		return netip.PrefixFrom(netip.AddrFrom4([4]byte{172, byte(i >> 8), byte(i), 0}), 24)
	}
	update := says(at(i), uint32(200_000+i))
	if i > 0 {
		update = append(update, withdraws(at(i-1))...)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.written = append(w.written, time.Now())
	_, err := w.conn.Write(update)
	return err
}

// stormTick is how often the router writes what is due of a storm.
const stormTick = time.Millisecond

// rage lets all happen, evenly over a time, and meanwhile hijacks that measure: at any time between two ticks, not always right behind
// what the storm wrote.
func (w *weather) rage(o order, update func(i int) []byte) error {
	over, probed := make(chan struct{}), make(chan error, 1)
	go func() {
		if !o.Probes {
			probed <- nil
			return
		}
		probed <- w.probeUntil(over, math.MaxInt)
	}()
	err := w.storm(o, update)
	close(over)
	return errors.Join(err, <-probed)
}

func (w *weather) storm(o order, update func(i int) []byte) error {
	began := time.Now()
	tick := time.NewTicker(stormTick)
	defer tick.Stop()
	for i := 0; i < o.N; {
		<-tick.C
		since := time.Since(began)
		for ; i < o.N && time.Duration(i)*o.Over/time.Duration(o.N) <= since; i++ {
			if err := w.write(update(i)); err != nil {
				return err
			}
		}
	}
	return nil
}

// probeUntil measures until there is an end, n times at most.
func (w *weather) probeUntil(end <-chan struct{}, n int) error {
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for range n {
		select {
		case <-end:
			return nil
		case <-tick.C:
		}
		if err := w.probe(); err != nil {
			return err
		}
	}
	return nil
}
