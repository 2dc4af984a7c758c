package netlab

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// marker is the environment variable that Reexec sets for the program inside:
// it names the network namespace outside.
const marker = "PEERVANE_NETLAB"

// Inside reports whether this program is in a network namespace that Reexec
// made. A stray variable in the environment does not deceive it.
func Inside() bool {
	outside := os.Getenv(marker)
	here, err := os.Readlink("/proc/self/ns/net")
	return outside != "" && err == nil && here != outside
}

// Reexec runs this program again with the arguments given (without its name) and
// further environment variables ("NAME=value"), in a new network namespace and,
// unless it may make one without, in a new user namespace where it is root. It
// shares stdin, stdout and stderr with it, passes signals on, and returns its
// exit code (128 and the signal's number if a signal ended it). If this program
// dies, so does that one.
//
// The program inside is a process group of its own, so that an interrupt from
// the terminal reaches it once: through here. It must not read the terminal.
//
// The error is ErrUnavailable where namespaces are forbidden, or where the
// program inside found so later and called Decline.
func Reexec(args []string, env ...string) (code int, err error) {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = os.Args[0]
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = inNamespaces(!privileged())
	return reexec(cmd, env)
}

func reexec(cmd *exec.Cmd, env []string) (code int, err error) {
	outside, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	word, err := newLastWord()
	if err != nil {
		return 0, err
	}
	defer word.Close()
	cmd.Env = append(append(os.Environ(), env...), marker+"="+outside)
	cmd.ExtraFiles = []*os.File{word}
	// The kernel ties the child to the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if code, err = runPassingSignals(cmd); err != nil {
		return 0, explain(cmd.SysProcAttr.Cloneflags&syscall.CLONE_NEWUSER != 0, err)
	}
	if reason := readLastWord(word); reason != "" {
		return code, fmt.Errorf("%w: %s", ErrUnavailable, reason)
	}
	return code, nil
}

// inNamespaces asks for new namespaces. The network namespace is unshared only
// once the process is root in its user namespace: where a security module
// allows user namespaces but denies power within them, that step fails here,
// plainly, and not somewhere inside.
func inNamespaces(user bool) *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{
		Unshareflags: syscall.CLONE_NEWNET,
		Pdeathsig:    syscall.SIGKILL,
		Setpgid:      true,
	}
	if user {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	return attr
}

// runPassingSignals runs cmd to its end and returns its exit code.
func runPassingSignals(cmd *exec.Cmd) (code int, err error) {
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, wanted()...)
	if err := cmd.Start(); err != nil {
		signal.Stop(signals)
		return 0, err
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for s := range signals {
			pass(s, cmd.Process)
		}
	}()
	err = cmd.Wait()
	signal.Stop(signals)
	close(signals)
	<-done
	return exitCode(err)
}

// wanted lists the signals to pass on, less those that this program was told to
// ignore (by nohup, say).
func wanted() (list []os.Signal) {
	for _, s := range []os.Signal{
		syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT,
		syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGTSTP, syscall.SIGCONT,
	} {
		if !signal.Ignored(s) {
			list = append(list, s)
		}
	}
	return list
}

// pass hands a signal to the program inside. The terminal's request to stop
// reaches it as one that it cannot overlook, and then stops this program too. A
// signal to a program that has just ended is no error.
func pass(s os.Signal, to *os.Process) {
	if s != syscall.SIGTSTP {
		_ = to.Signal(s)
		return
	}
	_ = to.Signal(syscall.SIGSTOP)
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
}

func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0, nil
	case !errors.As(err, &exit):
		return 0, err
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
