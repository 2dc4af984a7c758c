package netlab

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// ErrUnavailable is in every error that says that this system does not let this
// program make a lab.
var ErrUnavailable = errors.New("network namespaces are not available here")

// Available returns nil where Reexec will succeed, and otherwise an
// ErrUnavailable that says why not, and what would allow it. It makes the
// namespaces and throws them away. What only a full lab needs (veth interfaces,
// packet sockets) can still fail later: see Decline.
func Available() error {
	return try(!privileged())
}

// try starts a program that cannot exist. Getting so far as to find that out
// takes all that is to be tried: the namespaces and power in them.
func try(user bool) error {
	p, err := os.StartProcess("/dev/null/no program", nil, &os.ProcAttr{Sys: inNamespaces(user)})
	switch {
	case err == nil:
		_, err := p.Wait()
		return err
	case errors.Is(err, unix.ENOTDIR):
		return nil
	}
	return explain(user, err)
}

// privileged reports whether this process may make and configure network
// namespaces as it is.
func privileged() bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	const need = 1<<unix.CAP_NET_ADMIN | 1<<unix.CAP_SYS_ADMIN
	return data[0].Effective&need == need
}

// explain says in plain words why the kernel refused namespaces, with or without
// one for users.
func explain(user bool, err error) error {
	return fmt.Errorf("%w: %s (%w)", ErrUnavailable, reason(os.DirFS("/proc/sys"), user, err), err)
}

// switches are the kernel settings that forbid user namespaces, with the value
// that does.
var switches = []struct{ name, value, mend string }{
	{"kernel/apparmor_restrict_unprivileged_userns", "1", "AppArmor restricts user namespaces: run as root, or set kernel.apparmor_restrict_unprivileged_userns to 0"},
	{"kernel/unprivileged_userns_clone", "0", "user namespaces are for root only: run as root, or set kernel.unprivileged_userns_clone to 1"},
	{"user/max_user_namespaces", "0", "user namespaces are switched off: run as root, or raise user.max_user_namespaces"},
}

func reason(sys fs.FS, user bool, err error) string {
	for _, s := range switches {
		value, readErr := fs.ReadFile(sys, s.name)
		if user && readErr == nil && strings.TrimSpace(string(value)) == s.value {
			return s.mend
		}
	}
	switch {
	case errors.Is(err, unix.ENOSPC):
		return "there are as many namespaces as may be: raise user.max_user_namespaces and user.max_net_namespaces"
	case errors.Is(err, unix.EINVAL), errors.Is(err, unix.ENOSYS):
		return "this kernel was built without user or network namespaces"
	case errors.Is(err, unix.EPERM), errors.Is(err, unix.EACCES):
		return "a container or a security policy forbids them: run as root, or outside the container"
	}
	return "the kernel refuses them"
}
