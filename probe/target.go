package probe

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// Method names how a target is probed: "icmp", or "tcp:443".
type Method string

// ICMP is the echo of RFC 792 and RFC 4443.
const ICMP Method = "icmp"

// TCP is a connect to a port.
func TCP(port uint16) Method {
	return Method("tcp:" + strconv.Itoa(int(port)))
}

// Kind is the part before the colon: the key of the registry.
func (m Method) Kind() string {
	kind, _, _ := strings.Cut(string(m), ":")
	return kind
}

// Port is the part after the colon, or 0.
func (m Method) Port() uint16 {
	_, port, _ := strings.Cut(string(m), ":")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return 0
	}
	return uint16(n)
}

// Target is one address probed in one way. It is comparable and is its own
// key: two equal targets are the same target.
type Target struct {
	POP       string
	Service   string
	Addr      netip.Addr // a zone is kept: link-local addresses need it
	Method    Method
	Source    netip.Addr // the zero Addr leaves the choice to the kernel
	Interface string     // SO_BINDTODEVICE; "" = any
	DSCP      uint8      // 0 to 63
}

// Via names the way to the POP without naming the POP: address, method, and
// the source if one was chosen.
func (t Target) Via() string {
	if t.Source.IsValid() {
		return fmt.Sprintf("%s %s from %s", t.Addr, t.Method, t.Source)
	}
	return fmt.Sprintf("%s %s", t.Addr, t.Method)
}

// String names the target in logs.
func (t Target) String() string {
	return t.POP + " " + t.Via()
}
