package netlab

import (
	"errors"
	"fmt"
	"strings"

	"github.com/vishvananda/netns"
)

// maxName is the longest name of an interface (IFNAMSIZ less the final zero),
// and so of a host: interfaces are named after the host that they lead to.
const maxName = 15

// Lab is a set of hosts and links. Build it from one goroutine; once built, the
// methods of its hosts and links may be called from any.
type Lab struct {
	duct  netns.NsHandle // holds the inner ends of all links; no host is in it
	hosts map[string]*Host
	links []*Link
}

// New makes an empty lab. It fails where the program may not make network
// namespaces; Reexec leads to where it may, and Available says why not.
func New() (*Lab, error) {
	if !privileged() {
		return nil, fmt.Errorf("%w: making one takes CAP_SYS_ADMIN and CAP_NET_ADMIN, which this process lacks: start it through Reexec", ErrUnavailable)
	}
	keepLastWord()
	duct, err := newNamespace()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if err := within(duct, func() error { return setSysctls(ductSysctls) }); err != nil {
		duct.Close()
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return &Lab{duct: duct, hosts: map[string]*Host{}}, nil
}

// Host adds a host in a namespace of its own: loopback up, forwarding on,
// unprivileged ping allowed, no duplicate address detection, no addresses.
func (l *Lab) Host(name string) (*Host, error) {
	if err := l.checkName(name); err != nil {
		return nil, err
	}
	ns, err := newNamespace()
	if err != nil {
		return nil, fmt.Errorf("host %s: %w", name, err)
	}
	return l.addHost(name, ns)
}

// Self adds, as a host, the namespace that this whole program is in, so that
// code which knows nothing of the lab runs on it. Only a namespace that Reexec
// made will do: that of the machine itself is never touched. What Self changed
// there other than interfaces (loopback addresses, kernel settings) stays until
// the program ends.
func (l *Lab) Self(name string) (*Host, error) {
	if !Inside() {
		return nil, errors.New("this program is in the machine's own network namespace: start it through Reexec to make it a host of the lab")
	}
	if err := l.checkName(name); err != nil {
		return nil, err
	}
	ns, err := netns.Get()
	if err != nil {
		return nil, fmt.Errorf("host %s: cannot open the network namespace: %w", name, err)
	}
	return l.addHost(name, ns)
}

func (l *Lab) checkName(name string) error {
	if !l.duct.IsOpen() {
		return errors.New("the lab is closed")
	}
	if name == "" || len(name) > maxName || strings.ContainsAny(name, "/:% \t\n") {
		return fmt.Errorf("host name %q: give 1 to %d characters that may stand in the name of an interface", name, maxName)
	}
	if l.hosts[name] != nil {
		return fmt.Errorf("host %s exists already: give each host a name of its own", name)
	}
	return nil
}

// addHost takes ns over, also when it fails.
func (l *Lab) addHost(name string, ns netns.NsHandle) (*Host, error) {
	h, err := newHost(name, ns)
	if err != nil {
		ns.Close()
		return nil, fmt.Errorf("host %s: %w", name, err)
	}
	l.hosts[name] = h
	return h, nil
}

// Close stops all relays, waits for them, and removes all interfaces and
// namespaces. A program or a socket that is still in a host keeps that one
// namespace until it ends: wait for programs and close sockets first.
func (l *Lab) Close() error {
	if !l.duct.IsOpen() {
		return nil
	}
	var errs []error
	for _, link := range l.links {
		errs = append(errs, link.close())
	}
	for _, h := range l.hosts {
		errs = append(errs, h.ns.Close())
	}
	errs = append(errs, l.duct.Close())
	return errors.Join(errs...)
}
