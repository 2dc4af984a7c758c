package daemon

import (
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"testing"
	"time"
)

// peakMemory is the most memory that this process took since it was reset, in bytes.
func peakMemory() (most int) {
	status, _ := os.ReadFile("/proc/self/status")
	if _, text, ok := strings.Cut(string(status), "VmHWM:"); ok {
		most, _ = strconv.Atoi(strings.Fields(text)[0])
	}
	return most << 10
}

// allocated is how much this process has allocated so far, in bytes.
func allocated() int {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.TotalAlloc)
}

// BenchmarkStorm is a hundred thousand incidents within a minute in the whole daemon, and, before, meanwhile and afterwards, hijacks by
// culprits of their own: the time from the router's write, and from the daemon's read, to the notice in the queue. Afterwards, when all is over, another program
// keeps the processors as busy as the storm did, "beside": the shares are over what was busy before. PEERVANE_STORM asks for another number, at the same rate.
//
// -cpu 4 is what "peervane run" gives Go's scheduler on a smaller machine, GOGC=400 how often it collects garbage.
//
//	GOGC=400 go test ./daemon -run '^$' -bench '^BenchmarkStorm$' -benchtime 1x -cpu 4 -timeout 20m
func BenchmarkStorm(b *testing.B) {
	n := storm
	if asked, err := strconv.Atoi(os.Getenv("PEERVANE_STORM")); err == nil {
		n = asked
	}
	over := time.Duration(n) * time.Minute / storm
	for _, s := range shapes {
		b.Run(s.name, func(b *testing.B) {
			for b.Loop() {
				debug.FreeOSMemory()                                      // what the one before took
				_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0) // the peak begins anew
				o := newTempest(b, s, n)
				o.inSync()
				idle, few := workSoFar(b), int(over/probeEvery)
				worked, began := cpuTime(), time.Now()
				o.has("rest", few, 0, true)
				resting := float64(cpuTime()-worked) / float64(time.Since(began))
				o.report(b, "before-", 0)
				b.ReportMetric(float64(peakMemory()>>20), "before-MB")
				from, before, busy := len(o.probes), allocated(), workSoFar(b)
				worked, began = cpuTime(), time.Now()
				o.has("strike", n, over, true)
				work := float64(cpuTime()-worked) - resting*float64(time.Since(began))
				b.ReportMetric(work/1e3/float64(n), "during-cpu-us/incident")
				quiet := busy.share(idle)
				share := workSoFar(b).share(busy) - quiet
				b.ReportMetric(float64((allocated()-before)/n), "during-B/incident")
				b.ReportMetric(100*share, "during-%")
				o.report(b, "during-", from)
				b.ReportMetric(float64(peakMemory()>>20), "peak-MB") // stands holds all a second time
				o.stands()
				o.has("calm", n, over/2, false)
				o.isOver()
				debug.FreeOSMemory() // nothing of it weighs on what follows
				part := burnerFor(b, max(share, 0.01))
				from, busy = len(o.probes), workSoFar(b)
				stop := startBurner(b, part)
				o.has("rest", few, 0, true)
				stop()
				b.ReportMetric(100*(workSoFar(b).share(busy)-quiet), "beside-%")
				o.report(b, "beside-", from)
			}
		})
	}
}

// report tells how long the probes since the i-th took, and what of that was since they were read.
func (o *tempest) report(b *testing.B, when string, since int) {
	written, read := o.detection(since)
	n := len(written)
	for name, i := range map[string]int{"p50": n / 2, "p95": n * 95 / 100, "p99": n * 99 / 100, "max": n - 1} {
		b.ReportMetric(float64(written[i].Microseconds()), when+name+"-us")
		b.ReportMetric(float64(read[i].Microseconds()), when+"read-"+name+"-us")
	}
}
