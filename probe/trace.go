package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// Bounds of one trace.
const (
	traceHops    = 30          // the longest way that is followed
	traceProbes  = 3           // to a hop that answers; the fastest answer counts
	traceTimeout = time.Second // for one answer
	traceSilent  = 4           // hops in a row that stay silent end a trace
	traceBytes   = 32          // of the payload
)

// Hop is one router on the way to a target.
type Hop struct {
	TTL  int
	Addr netip.Addr    // not valid: it stays silent
	RTT  time.Duration // the fastest answer
}

// Trace is the way to a target, hop by hop.
type Trace struct {
	Target  Target
	Method  string // "icmp", "udp"
	At      time.Time
	Hops    []Hop // from TTL 1 on
	Reached bool  // the last hop is the target
}

// answer is what came back for one probe of a trace.
type answer struct {
	from    netip.Addr
	rtt     time.Duration
	arrived bool // at the target, or as near to it as packets get: it need not be looked for behind
}

// hopper sends the probes of a trace, one at a time. All of them have one flow id, the fields that routers choose among equal
// paths by, so that they take the same one (Augustin et al., "Avoiding traceroute anomalies with Paris traceroute", IMC 2006).
type hopper interface {
	method() string
	// probe sends one packet and waits for what comes of it; nil: nothing in time.
	probe(ctx context.Context, ttl int) (*answer, error)
	close()
}

// TraceRoute follows the way to a target. It needs no privilege: a router that drops a packet says so on the error queue of the
// socket (IP_RECVERR). ICMP is used where the target is probed so and ping sockets are open to us, else UDP. What was found when
// ctx ended, or sending failed, is given with the error.
func TraceRoute(ctx context.Context, t Target) (Trace, error) {
	h, err := openHopper(t)
	if err != nil {
		return Trace{Target: t, At: time.Now()}, err
	}
	defer h.close()
	return trace(ctx, t, h)
}

func openHopper(t Target) (hopper, error) {
	if t.Method == ICMP {
		if h, err := openEchoHopper(t); err == nil {
			return h, nil
		}
	}
	return openUDPHopper(t)
}

func trace(ctx context.Context, t Target, h hopper) (Trace, error) {
	out := Trace{Target: t, Method: h.method(), At: time.Now()}
	silent := 0
	for ttl := 1; ttl <= traceHops && silent < traceSilent && !out.Reached; ttl++ {
		hop, arrived, err := traceHop(ctx, h, ttl, silent > 0)
		if err != nil {
			return out, err
		}
		out.Hops = append(out.Hops, hop)
		silent++
		if hop.Addr.IsValid() {
			silent = 0
		}
		out.Reached = arrived && hop.Addr == t.Addr.WithZone("")
		if arrived {
			break
		}
	}
	out.Hops = out.Hops[:len(out.Hops)-silent]
	return out, nil
}

// traceHop asks one hop. Behind a silent one, silence is believed at once: a black hole is not to take a minute.
func traceHop(ctx context.Context, h hopper, ttl int, hurry bool) (hop Hop, arrived bool, err error) {
	hop.TTL = ttl
	for n := range traceProbes {
		a, err := h.probe(ctx, ttl)
		if err != nil {
			return hop, false, err
		}
		if a == nil {
			if hurry || n > 0 && !hop.Addr.IsValid() {
				break
			}
			continue
		}
		arrived = arrived || a.arrived
		if !hop.Addr.IsValid() || a.rtt < hop.RTT {
			hop.Addr, hop.RTT = a.from, a.rtt
		}
	}
	return hop, arrived, nil
}

// setTTL sets how far the next packet gets.
func setTTL(fd int, v6 bool, ttl int) error {
	level, option := unix.IPPROTO_IP, unix.IP_TTL
	if v6 {
		level, option = unix.IPPROTO_IPV6, unix.IPV6_UNICAST_HOPS
	}
	if err := unix.SetsockoptInt(fd, level, option, ttl); err != nil {
		return fmt.Errorf("set ttl %d: %w", ttl, err)
	}
	return nil
}

// awaitAnswer waits until look has found an answer on the socket, or the time is up.
func awaitAnswer(ctx context.Context, fd int, sent time.Time, look func() *answer) (*answer, error) {
	const slice = 100 * time.Millisecond // between two looks at ctx
	for {
		if a := look(); a != nil {
			a.rtt = time.Since(sent)
			return a, nil
		}
		left := traceTimeout - time.Since(sent)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if left <= 0 {
			return nil, nil
		}
		wait := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}} // POLLERR is always told
		_, err := unix.Poll(wait, int(min(left, slice)/time.Millisecond)+1)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return nil, fmt.Errorf("wait for an answer: %w", err)
		}
	}
}

// transmitHop sends, and sends again where the error of an earlier packet was handed to this one.
func transmitHop(send func() error) error {
	var err error
	for range sendTries {
		if err = send(); err == nil {
			return nil
		}
	}
	return fmt.Errorf("send a trace: %w", err)
}

// judge makes an answer of an ICMP error: a packet that lived too short was turned away on the way, others at its end.
func (q *queued) judge() *answer {
	exceeded := q.origin == unix.SO_EE_ORIGIN_ICMP && q.icmpType == icmp4TimeExceeded ||
		q.origin == unix.SO_EE_ORIGIN_ICMP6 && q.icmpType == icmp6TimeExceeded
	if !exceeded && !q.unreachable() {
		return nil
	}
	return &answer{from: q.offender, arrived: !exceeded}
}
