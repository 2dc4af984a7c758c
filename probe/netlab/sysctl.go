package netlab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// A sysctl is a kernel setting of a network namespace, named under
// /proc/sys/net.
type sysctl struct{ name, value string }

// ductSysctls keep the inner ends of links silent: the kernel must add no frame
// of its own to what the relay carries.
var ductSysctls = []sysctl{
	{"ipv6/conf/all/disable_ipv6", "1"},
	{"ipv6/conf/default/disable_ipv6", "1"},
}

// hostSysctls make a router that believes only what it was told, and that says
// of every packet why it cannot be delivered. The forwarding switches come
// first: they reset some of the others. rp_filter, which a new namespace inherits
// from the machine, would drop what comes back on another path, and other paths
// are what a lab is for.
var hostSysctls = []sysctl{
	{"ipv4/ip_forward", "1"},
	{"ipv4/conf/all/rp_filter", "0"},
	{"ipv4/conf/default/rp_filter", "0"},
	{"ipv4/conf/all/send_redirects", "0"},
	{"ipv4/conf/default/send_redirects", "0"},
	{"ipv4/icmp_ratelimit", "0"},
	{"ipv6/conf/all/forwarding", "1"},
	{"ipv6/conf/all/disable_ipv6", "0"},
	{"ipv6/conf/default/disable_ipv6", "0"},
	{"ipv6/conf/all/accept_dad", "0"},
	{"ipv6/conf/default/accept_dad", "0"},
	{"ipv6/conf/default/accept_ra", "0"},
	{"ipv6/icmp/ratelimit", "0"},
}

// setHostSysctls prepares the namespace that the calling thread is in.
func setHostSysctls() error {
	if err := setSysctls(hostSysctls); err != nil {
		return err
	}
	return openPing()
}

// openPing lets every group use ICMP datagram sockets. A group that the user
// namespace does not map cannot be named in the range, and one that Reexec made
// maps only group 0.
func openPing() error {
	all := sysctl{"ipv4/ping_group_range", "0 2147483647"}
	err := all.set()
	if errors.Is(err, unix.EINVAL) {
		err = sysctl{all.name, "0 0"}.set()
	}
	return err
}

func setSysctls(list []sysctl) error {
	for _, s := range list {
		if err := s.set(); err != nil {
			return err
		}
	}
	return nil
}

// set writes the value. A kernel without IPv6 has none of its settings, and
// needs none.
func (s sysctl) set() error {
	err := os.WriteFile("/proc/sys/net/"+s.name, []byte(s.value), 0)
	if errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(s.name, "ipv6/") {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot set net.%s to %s: %w", strings.ReplaceAll(s.name, "/", "."), s.value, err)
	}
	return nil
}
