package netlab

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ethtoolValue and ifreqData are struct ethtool_value of <linux/ethtool.h> and
// the ifr_data form of struct ifreq of <linux/if.h>.
type (
	ethtoolValue struct{ cmd, data uint32 }
	ifreqData    struct {
		name [unix.IFNAMSIZ]byte
		data unsafe.Pointer
		_    [24 - unsafe.Sizeof(uintptr(0))]byte
	}
)

// disableOffload makes the kernel finish each frame before it enters the
// interface: a veth would otherwise carry segments larger than its MTU, with
// checksums left to hardware that is not there, and TCP would drop them all.
// The calling thread is in the namespace of the interface.
func disableOffload(ifname string) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("socket: %w", err)
	}
	defer unix.Close(fd)
	for _, cmd := range []uint32{unix.ETHTOOL_STSO, unix.ETHTOOL_SGSO, unix.ETHTOOL_SGRO, unix.ETHTOOL_STXCSUM} {
		if err := ethtoolOff(fd, ifname, cmd); err != nil {
			return fmt.Errorf("cannot turn the offloads of %s off (ethtool command %#x): %w", ifname, cmd, err)
		}
	}
	return nil
}

func ethtoolOff(fd int, ifname string, cmd uint32) error {
	value := ethtoolValue{cmd: cmd}
	req := ifreqData{data: unsafe.Pointer(&value)}
	copy(req.name[:unix.IFNAMSIZ-1], ifname)
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&req)))
	if errno != 0 {
		return errno
	}
	return nil
}
