package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"

	"peervane/probe/stats"
)

// tcpMaker shares nothing but the pace: each connect is a socket of its own.
type tcpMaker struct{ pace *rate.Limiter }

// A burst to thousands of targets must not look like a flood of SYNs.
const (
	tcpPace  = 5000 // connects a second
	tcpBurst = 64
)

func openTCP(*zap.Logger) maker { return tcpMaker{rate.NewLimiter(tcpPace, tcpBurst)} }

func (m tcpMaker) prober(t Target) prober { return tcpProber{t, m.pace} }
func (tcpMaker) close()                   {}

// tcpProber measures one handshake a batch and resets the connection at once.
type tcpProber struct {
	target Target
	pace   *rate.Limiter
}

func (p tcpProber) close() {}

func (p tcpProber) probe(ctx context.Context, s Settings) Batch {
	b := Batch{Target: p.target}
	_ = p.pace.Wait(ctx) // ctx is what ends the connect, too
	b.Started = time.Now()
	outcome, err := p.connect(ctx, s.Timeout)
	b.Ended = time.Now()
	if err != nil {
		b.Err = "tcp probe: " + err.Error()
	}
	if !outcome.Sent.IsZero() {
		b.add(outcome)
	}
	return b
}

// connect dials once. An error happened in this host; the outcome is zero when
// nothing came of it.
func (p tcpProber) connect(ctx context.Context, timeout time.Duration) (Outcome, error) {
	observer := tcpObserver{target: p.target, fd: -1}
	defer observer.close()
	dialer := net.Dialer{Timeout: timeout, KeepAlive: -1, Control: observer.control}
	dialer.SetMultipathTCP(false)
	if p.target.Source.IsValid() {
		dialer.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(p.target.Source, 0))
	}
	peer := netip.AddrPortFrom(p.target.Addr, p.target.Method.Port())
	sent := time.Now()
	conn, err := dialer.DialContext(ctx, "tcp", peer.String())
	user := time.Since(sent)
	if err == nil {
		defer conn.Close()
		return observer.connected(sent, user), nil
	}
	return observer.failed(sent, user, err)
}

// tcpObserver keeps a second descriptor of the dialled socket: what the kernel
// knows of a failed connect is gone once the dialer has closed its own.
type tcpObserver struct {
	target Target
	fd     int
}

// control sets the options before the SYN goes out.
func (o *tcpObserver) control(_, _ string, raw syscall.RawConn) error {
	var failed error
	err := raw.Control(func(fd uintptr) {
		if failed = setPath(int(fd), o.target); failed != nil {
			return
		}
		failed = o.prepare(int(fd))
	})
	return errors.Join(err, failed)
}

// prepare asks for the offenders of ICMP errors, and for a reset in place of
// an orderly close, so that the far side is left with nothing.
func (o *tcpObserver) prepare(fd int) error {
	if err := setRecvErr(fd, o.target.Addr.Is6()); err != nil {
		return err
	}
	linger := unix.Linger{Onoff: 1, Linger: 0}
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &linger); err != nil {
		return fmt.Errorf("set SO_LINGER: %w", err)
	}
	dup, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("duplicate the socket: %w", err)
	}
	o.fd = dup
	return nil
}

func (o *tcpObserver) close() {
	if o.fd >= 0 {
		unix.Close(o.fd)
	}
}

// connected reads the round-trip time that the kernel took of the handshake. A
// SYN or SYN/ACK that went out twice makes that time worthless, and is a loss.
func (o *tcpObserver) connected(sent time.Time, user time.Duration) Outcome {
	info, err := unix.GetsockoptTCPInfo(o.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err != nil {
		return Outcome{Sent: sent, Kind: stats.Reply, RTT: user, TSSource: SourceUser}
	}
	if info.Total_retrans > 0 {
		return Outcome{Sent: sent, Kind: stats.Lost}
	}
	if rtt := time.Duration(info.Rtt) * time.Microsecond; rtt > 0 && rtt <= user {
		return Outcome{Sent: sent, Kind: stats.Reply, RTT: rtt, TSSource: SourceTCPInfo}
	}
	return Outcome{Sent: sent, Kind: stats.Reply, RTT: user, TSSource: SourceUser}
}

// failed tells an ICMP error, a reset and silence apart. The error queue comes
// first: a port unreachable of ICMP would otherwise pass for a reset. What is
// none of them happened in this host, and stays an error.
func (o *tcpObserver) failed(sent time.Time, user time.Duration, err error) (Outcome, error) {
	if offender, ok := o.offender(); ok {
		return Outcome{Sent: sent, Kind: stats.Unreachable, Offender: offender}, nil
	}
	var timeout net.Error
	switch {
	case errors.Is(err, unix.ECONNREFUSED):
		return o.refused(sent, user), nil
	case errors.As(err, &timeout) && timeout.Timeout():
		return Outcome{Sent: sent, Kind: stats.Lost}, nil
	}
	if kind, ok := localKind(err); ok {
		return Outcome{Sent: sent, Kind: kind}, err
	}
	return Outcome{}, err
}

// refused is a reset. Nothing in the kernel times it; and after a second SYN
// the user's time is no latency either.
func (o *tcpObserver) refused(sent time.Time, user time.Duration) Outcome {
	info, err := unix.GetsockoptTCPInfo(o.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	if err == nil && info.Total_retrans > 0 {
		return Outcome{Sent: sent, Kind: stats.Lost}
	}
	return Outcome{Sent: sent, Kind: stats.Refused, RTT: user, TSSource: SourceUser}
}

// offender is who sent the ICMP error that ended the connect.
func (o *tcpObserver) offender() (netip.Addr, bool) {
	if o.fd < 0 {
		return netip.Addr{}, false
	}
	var buffer errorBuffer
	for {
		report, err := buffer.read(o.fd)
		if err != nil {
			return netip.Addr{}, false
		}
		if report.unreachable() {
			return report.offender, true
		}
	}
}
