package netlab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"

	"golang.org/x/sys/unix"
)

func TestReason(t *testing.T) {
	tests := []struct {
		name   string
		user   bool
		sysctl string
		value  string
		err    error
		want   string
	}{
		{"ubuntu", true, "kernel/apparmor_restrict_unprivileged_userns", "1\n", unix.EPERM, "AppArmor"},
		{"debian", true, "kernel/unprivileged_userns_clone", "0\n", unix.EPERM, "for root only"},
		{"limit", true, "user/max_user_namespaces", "0\n", unix.ENOSPC, "switched off"},
		{"no switch", true, "user/max_user_namespaces", "100\n", unix.EPERM, "security policy"},
		{"root is not restricted", false, "kernel/apparmor_restrict_unprivileged_userns", "1\n", unix.EPERM, "security policy"},
		{"too many", false, "", "", unix.ENOSPC, "as many"},
		{"old kernel", true, "", "", unix.EINVAL, "kernel was built without"},
		{"denied", true, "", "", unix.EACCES, "security policy"},
		{"other", true, "", "", unix.ENOMEM, "refuses"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sys := fstest.MapFS{test.sysctl: {Data: []byte(test.value)}}
			err := fmt.Errorf("fork/exec: %w", test.err)
			if got := reason(sys, test.user, err); !strings.Contains(got, test.want) {
				t.Errorf("reason %q, want one with %q", got, test.want)
			}
		})
	}
}

func TestAvailable(t *testing.T) {
	check(t, Available()) // or no test would run
}

// helpLimit forbids user namespaces within its own and tries from there, as
// nobody.
func helpLimit() int {
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		fmt.Println(err)
		return 1
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Stdout = os.Stdout
	cmd.Env = append(os.Environ(), helper("try"))
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	return codeOf(exitCode(cmd.Run()))
}

// helpTry prints what a user who is refused is told.
func helpTry() int {
	fmt.Println("available:", Available())
	_, err := Reexec(nil)
	fmt.Println("reexec:", err)
	_, err = New()
	fmt.Println("new:", err)
	if errors.Is(err, ErrUnavailable) {
		return 0
	}
	return 1
}

func codeOf(code int, err error) int {
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return code
}

func TestForbiddenSaysWhy(t *testing.T) {
	if os.Geteuid() != 0 || Inside() {
		t.Skip("only root can forbid it to others; the run as root does")
	}
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe")
	cmd.Env = append(os.Environ(), helper("limit"))
	both := []syscall.SysProcIDMap{{ContainerID: 0, HostID: 0, Size: 1}, {ContainerID: nobody, HostID: nobody, Size: 1}}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWUSER, UidMappings: both, GidMappings: both, GidMappingsEnableSetgroups: true,
	}
	out, err := cmd.Output()
	check(t, err)
	for _, want := range []string{
		"available: network namespaces are not available here: user namespaces are switched off: run as root, or raise user.max_user_namespaces",
		"reexec: network namespaces are not available here: user namespaces are switched off: run as root, or raise user.max_user_namespaces",
		"new: network namespaces are not available here: making one takes CAP_SYS_ADMIN and CAP_NET_ADMIN",
	} {
		if !strings.Contains(string(out), want) {
			t.Errorf("output has no %q:\n%s", want, out)
		}
	}
}
