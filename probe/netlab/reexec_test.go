package netlab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// helperVariable names what a copy of the test binary does in place of tests,
// and pipeVariable the named pipe by which it tells its test how far it is.
const (
	helperVariable = "PEERVANE_NETLAB_HELPER"
	pipeVariable   = "PEERVANE_NETLAB_PIPE"
)

var helpers = map[string]func() int{
	"inside":  helpInside,
	"decline": helpDecline,
	"signal":  helpSignal,
	"outer":   helpOuter,
	"wait":    helpWait,
	"limit":   helpLimit,
	"try":     helpTry,
}

func helper(name string) string { return helperVariable + "=" + name }

// helpInside exits with 7 if all is as Reexec promises.
func helpInside() int {
	lab, err := New()
	if err == nil {
		err = lab.Close()
	}
	if err != nil || !Inside() || os.Args[1] != "argument" {
		fmt.Fprintln(os.Stderr, err, Inside(), os.Args)
		return 1
	}
	return 7
}

func TestReexec(t *testing.T) {
	for _, user := range []bool{false, true} {
		if err := try(user); err != nil {
			t.Log(err)
			continue
		}
		t.Run(fmt.Sprintf("user namespace %t", user), func(t *testing.T) {
			code, err := reexec(again(user, "argument"), []string{helper("inside")})
			if err != nil || code != 7 {
				t.Errorf("code %d, error %v, want 7 and none", code, err)
			}
		})
	}
}

// again is a command that runs this binary in new namespaces.
func again(user bool, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.SysProcAttr = inNamespaces(user)
	return cmd
}

func helpDecline() int {
	Decline(errors.New("the moon is full"))
	return 3
}

func TestDecline(t *testing.T) {
	_, err := Reexec(nil, helper("decline"))
	if !errors.Is(err, ErrUnavailable) || !strings.HasSuffix(err.Error(), ": the moon is full") {
		t.Errorf("error %v, want ErrUnavailable and the reason", err)
	}
}

// helpSignal tells of each SIGUSR1, and ends by SIGTERM's default action.
func helpSignal() int {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	pipe := openPipe(os.O_WRONLY)
	defer pipe.Close() // not before
	fmt.Fprintln(pipe, "ready")
	fmt.Fprintln(pipe, <-signals)
	select {}
}

func TestReexecPassesSignals(t *testing.T) {
	makePipe(t)
	done := make(chan error, 1)
	go func() {
		code, err := Reexec(nil, helper("signal"))
		if err == nil && code != 128+int(syscall.SIGTERM) {
			err = fmt.Errorf("code %d, want %d", code, 128+syscall.SIGTERM)
		}
		done <- err
	}()
	pipe := openPipe(os.O_RDONLY)
	defer pipe.Close()
	expectLine(t, pipe, "ready")
	check(t, syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	expectLine(t, pipe, syscall.SIGUSR1.String())
	check(t, syscall.Kill(os.Getpid(), syscall.SIGTERM))
	check(t, <-done)
}

func helpOuter() int {
	_, err := Reexec(nil, helper("wait"))
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// helpWait tells who it is and waits for its end.
func helpWait() int {
	pipe := openPipe(os.O_WRONLY)
	defer pipe.Close() // not before
	fmt.Fprintln(pipe, os.Getpid())
	select {}
}

// startOuter starts a program that runs helpWait in namespaces, and returns the
// process id and the pipe of that one.
func startOuter(t *testing.T) (outer *exec.Cmd, inner int, pipe *os.File) {
	makePipe(t)
	outer = exec.Command("/proc/self/exe")
	outer.Env = append(os.Environ(), helper("outer"))
	check(t, outer.Start())
	pipe = openPipe(os.O_RDONLY)
	t.Cleanup(func() { pipe.Close() })
	return outer, must(strconv.Atoi(readLine(t, pipe)))(t), pipe
}

// When the program outside is killed, the one inside ends too.
func TestReexecDiesTogether(t *testing.T) {
	outer, _, pipe := startOuter(t)
	check(t, outer.Process.Kill())
	_ = outer.Wait() // "killed"
	if rest, err := io.ReadAll(pipe); err != nil || len(rest) != 0 {
		t.Errorf("read %q, %v, want the end of the program inside", rest, err)
	}
}

// What Ctrl-Z and the shell's fg do to one, they do to both.
func TestReexecStopsTogether(t *testing.T) {
	outer, inner, pipe := startOuter(t)
	check(t, outer.Process.Signal(syscall.SIGTSTP))
	var status syscall.WaitStatus
	must(syscall.Wait4(outer.Process.Pid, &status, syscall.WUNTRACED, nil))(t)
	if !status.Stopped() {
		t.Fatalf("the program outside: %v, want it stopped", status)
	}
	awaitStopped(t, inner, true)
	check(t, outer.Process.Signal(syscall.SIGCONT))
	awaitStopped(t, inner, false)
	check(t, outer.Process.Signal(syscall.SIGINT))
	must(io.ReadAll(pipe))(t)
	_ = outer.Wait() // its code is 1
}

// awaitStopped waits until a process is stopped, or no longer is.
func awaitStopped(t *testing.T, pid int, want bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); runtime.Gosched() {
		stat := string(must(os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid)))(t))
		state := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])[0]
		if (state == "T") == want {
			return
		}
	}
	t.Fatalf("the program inside: stopped is not %t", want)
}

func makePipe(t *testing.T) {
	t.Setenv(pipeVariable, filepath.Join(t.TempDir(), "pipe"))
	check(t, unix.Mkfifo(os.Getenv(pipeVariable), 0o600))
}

func openPipe(mode int) *os.File {
	f, err := os.OpenFile(os.Getenv(pipeVariable), mode, 0)
	if err != nil {
		panic(err)
	}
	return f
}

func expectLine(t *testing.T, r io.Reader, want string) {
	t.Helper()
	if line := readLine(t, r); line != want {
		t.Fatalf("read %q, want %q", line, want)
	}
}

// readLine reads byte by byte, to leave the rest of the pipe alone.
func readLine(t *testing.T, r io.Reader) string {
	t.Helper()
	var line []byte
	for b := make([]byte, 1); ; line = append(line, b[0]) {
		if _, err := r.Read(b); err != nil {
			t.Fatalf("%v after %q, want a line", err, line)
		}
		if b[0] == '\n' {
			return string(line)
		}
	}
}

// Every test again, as a user who may do nothing.
func TestEverythingUnprivileged(t *testing.T) {
	if os.Geteuid() != 0 || Inside() {
		t.Skip("this is the run without privilege")
	}
	var out bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "/proc/self/exe", "-test.v", "-test.timeout=2m")
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), "TMPDIR=/tmp")
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	if err := cmd.Run(); err != nil {
		t.Errorf("%v\n%s", err, &out)
	}
	if strings.Contains(out.String(), "no test can run") {
		skip(t, out.String())
	}
}

const nobody = 65534
