package daemon

import (
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A machine that is busy tells hijacks later than one that is idle, whatever keeps it busy: its threads wait for each other, and the host
// of a virtual machine takes its processors away from time to time. A burner is what to compare a storm with: a program that has
// nothing to do with the daemon and wants as much of the processors.

const burnerEnv = "PEERVANE_STORM_BURNER"

// burst is how long it wants a processor at a time.
const burst = 400 * time.Microsecond

// burnerFor gives the part of each processor that a burner has to want so that the machine is busier by a share: interrupts, the host
// and whoever is disturbed add to it.
func burnerFor(t testing.TB, share float64) float64 {
	const look = 5 * time.Second
	idle := workSoFar(t)
	time.Sleep(look)
	before := workSoFar(t)
	stop := startBurner(t, share)
	time.Sleep(look)
	took := workSoFar(t).share(before) - before.share(idle)
	stop()
	return min(share*share/max(took, share/2), 1)
}

// startBurner has a process take a part of each processor until it is stopped.
func startBurner(t testing.TB, part float64) (stop func()) {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(program)
	c.Env, c.Stderr = append(os.Environ(), burnerEnv+"="+strconv.FormatFloat(part, 'f', 3, 64)), os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		in.Close()
		if err := c.Wait(); err != nil {
			t.Error("the burner: ", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// runBurner is the whole life of the process: until in ends.
func runBurner(text string, in io.Reader) error {
	part, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return err
	}
	for range runtime.NumCPU() {
		go burn(part)
	}
	_, err = io.Copy(io.Discard, in)
	return err
}

// burn takes its part of a processor, at random times. Go's own timers would make it wait for a millisecond at the least, and then catch up
// without a break.
func burn(part float64) {
	runtime.LockOSThread()
	for began := time.Now(); ; {
		for end := time.Now().Add(burst); time.Now().Before(end); {
		}
		var used unix.Timespec
		_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &used)
		ahead := time.Duration(float64(used.Nano())/part) - time.Since(began)
		if pause := unix.NsecToTimespec(int64(float64(ahead) * 2 * rand.Float64())); ahead > 0 {
			_ = unix.Nanosleep(&pause, nil) // woken early it goes on early, and pauses longer next time
		}
	}
}

// work is how long all processors were busy, and were there, since the machine began, in ticks.
type work struct{ busy, all float64 }

func workSoFar(t testing.TB) (w work) {
	t.Helper()
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		t.Fatal(err)
	}
	line, _, _ := strings.Cut(string(text), "\n")
	for i, field := range strings.Fields(line)[1:9] { // what guests take is in user and nice
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			t.Fatal(err)
		}
		w.all += n
		if i != 3 && i != 4 { // idle, iowait
			w.busy += n
		}
	}
	return w
}

// share is which part of the processors was busy from v to w.
func (w work) share(v work) float64 { return (w.busy - v.busy) / (w.all - v.all) }
