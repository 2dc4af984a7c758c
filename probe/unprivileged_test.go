package probe

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"

	"github.com/vishvananda/netlink"
	"go.uber.org/zap/zaptest"
	"golang.org/x/sys/unix"
)

// insideUser marks the test binary that runs in a namespace of its own.
const insideUser = "PEERVANE_PROBE_INSIDE"

// TestUnprivileged runs itself again in a new user and network namespace. There
// it opens the ping sockets as a host's administrator would, gives up every
// capability, and probes.
func TestUnprivileged(t *testing.T) {
	if os.Getenv(insideUser) != "" {
		probeWithoutCapabilities(t)
		return
	}
	again := exec.Command(os.Args[0], "-test.run=^TestUnprivileged$")
	again.Env = append(os.Environ(), insideUser+"=1")
	again.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET,
		UidMappings: []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}},
	}
	output, err := again.CombinedOutput()
	if _, ran := err.(*exec.ExitError); err != nil && !ran {
		lacking(t, "cannot make user namespaces", err)
	}
	if err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func probeWithoutCapabilities(t *testing.T) {
	runtime.LockOSThread() // and never back: the thread is of no use to others
	lo, err := netlink.LinkByName("lo")
	must(t, err)
	must(t, netlink.LinkSetUp(lo))
	setSysctl(t, "net/ipv4/ping_group_range", fmt.Sprintf("%d %d", os.Getgid(), os.Getgid()))
	none := [2]unix.CapUserData{}
	must(t, unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0]))

	for _, addr := range []string{"127.0.0.1", "::1"} {
		_, err := openEchoKind(pathOf(labTarget(addr)), true)
		expect(t, errors.Is(err, unix.EPERM), true) // raw sockets are out of reach
		flow := openICMP(zaptest.NewLogger(t)).prober(Target{POP: "p", Addr: netip.MustParseAddr(addr), Method: ICMP, Interface: "lo", DSCP: 46})
		b := flow.probe(context.Background(), quick)
		flow.close()
		expect(t, b.Received, quick.Packets)
		expect(t, b.Err, "")
	}
}
