package daemon

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"peervane/bgp"
)

const (
	maxRecorders   = 4
	recorderBehind = 1 << 16         // inputs that a recorder may be behind
	recorderGrace  = 5 * time.Second // to write what is left when the daemon ends
	recorderStall  = time.Minute     // how long a recorder may take nothing at all
	hastyReloads   = "the daemon was reloaded faster than it was written: record to a faster disk, or nearer to the daemon"
	slowRecorder   = "it was written slower than the routes changed: record to a faster disk, or nearer to the daemon"
)

var errStopping = errors.New("the daemon is stopping: record the next one")

// recorders are those who want all that the engine takes in. The engine waits for none of them: one that is too far behind
// has its recording ended there, since one with a hole would tell of a state that never was. The zero value has none.
type recorders struct {
	all []*recorder // the engine's goroutine owns it

	running sync.WaitGroup // of those who write

	mu       sync.Mutex
	writing  map[string]*recorder // by id
	idle     chan struct{}        // has a token when the last has left; nil before the first began
	last     int                  // id
	finished bool                 // nobody may begin
	over     chan struct{}        // closed when the engine has ended; nil before the first began
}

// recorder is one recording.
type recorder struct {
	id    string
	queue chan any      // of bgp.Input and *pictured; closed by the engine's goroutine where the recording ends
	asked chan struct{} // to end it
	gone  atomic.Bool   // nobody reads any more
	waits atomic.Bool   // a picture is in queue, of which there may be one: it may be large
	ended chan struct{} // closed after queue

	// Until queue is closed, the engine's goroutine owns these.
	until time.Time // it has all until then
	why   string    // it ends, if nobody asked for that
}

// begin makes place for one more.
func (rs *recorders) begin() (*recorder, error) {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	switch {
	case rs.finished:
		return nil, errStopping
	case len(rs.writing) >= maxRecorders:
		return nil, fmt.Errorf("%d recordings are being made already: end one of them first", maxRecorders)
	}
	rs.last++
	r := &recorder{id: strconv.Itoa(rs.last), queue: make(chan any, recorderBehind), asked: make(chan struct{}, 1), ended: make(chan struct{})}
	if rs.writing == nil {
		rs.writing, rs.idle, rs.over = map[string]*recorder{}, make(chan struct{}, 1), make(chan struct{})
	}
	rs.writing[r.id] = r
	select {
	case <-rs.idle: // of before
	default:
	}
	rs.running.Add(1)
	return r, nil
}

// leave gives the place of a recorder back, which writes no more.
func (rs *recorders) leave(r *recorder) {
	r.gone.Store(true)
	rs.mu.Lock()
	delete(rs.writing, r.id)
	if len(rs.writing) == 0 {
		signal(rs.idle)
	}
	rs.mu.Unlock()
	rs.running.Done()
}

// ask has a recording end in order; false when there is none of that id.
func (rs *recorders) ask(id string) bool {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	r := rs.writing[id]
	if r == nil {
		return false
	}
	signal(r.asked)
	return true
}

// finish waits until what is left was written, but not for those that take nothing.
func (rs *recorders) finish() {
	rs.refuse()
	rs.mu.Lock()
	left := len(rs.writing)
	rs.mu.Unlock()
	if left == 0 {
		return
	}
	select {
	case <-rs.idle:
	case <-time.After(recorderGrace):
	}
}

// pictured is how all stands at some time.
type pictured struct {
	at         time.Time
	configured int
	regs       *registry // is not changed any more by a reload, which makes another one
	standing   []bgp.Standing
	troubles   []bgp.Input
	sorting    sync.Once // for all who record
}

func (e *engine) pictured(now time.Time) *pictured {
	return &pictured{at: now, configured: e.configured, regs: e.regs, standing: e.standing(now), troubles: e.troubles()}
}

// sort puts in order what the vantages hold, which the engine has not waited for.
func (p *pictured) sort() {
	for _, s := range p.standing {
		slices.SortStableFunc(s.Held, func(a, b bgp.Held) int { return a.Prefix.Compare(b.Prefix) }) // stable: path ids are in order
	}
}

// add has a recorder hear all from now on, how all stands first; the engine's goroutine calls it, as the following.
func (rs *recorders) add(e *engine, r *recorder, now time.Time) {
	r.waits.Store(true)
	r.queue <- e.pictured(now) // the first finds room
	r.until = now
	rs.all = append(rs.all, r)
	e.tap = func(in bgp.Input) { rs.tell(e, in, in.When()) }
}

// reloaded has recordings begin anew under another configuration.
func (rs *recorders) reloaded(e *engine, now time.Time) {
	for _, r := range slices.Clone(rs.all) {
		switch {
		case r.gone.Load():
			rs.end(e, r, r.until, "")
		case r.waits.Load():
			rs.end(e, r, r.until, hastyReloads)
		default:
			r.waits.Store(true)
		}
	}
	if len(rs.all) > 0 {
		rs.tell(e, e.pictured(now), now)
	}
}

// tell hands on what the engine takes in.
func (rs *recorders) tell(e *engine, what any, at time.Time) {
	for i := len(rs.all) - 1; i >= 0; i-- { // from behind, since some may end
		r := rs.all[i]
		if r.gone.Load() {
			rs.end(e, r, r.until, "")
			continue
		}
		select {
		case r.queue <- what:
			r.until = at
		default:
			rs.end(e, r, r.until, slowRecorder)
		}
	}
}

// end ends a recording, if it has not ended yet.
func (rs *recorders) end(e *engine, r *recorder, until time.Time, why string) {
	i := slices.Index(rs.all, r)
	if i < 0 {
		return
	}
	rs.all = slices.Delete(rs.all, i, i+1)
	if len(rs.all) == 0 {
		e.tap = nil
	}
	r.until, r.why = until, why
	close(r.queue)
	close(r.ended)
}

// refuse lets nobody begin any more.
func (rs *recorders) refuse() {
	rs.mu.Lock()
	defer rs.mu.Unlock()
	if !rs.finished && rs.over != nil {
		close(rs.over)
	}
	rs.finished = true
}

// stop ends all recordings, and those that were about to begin.
func (rs *recorders) stop(e *engine, now time.Time, why string) {
	rs.refuse()
	for len(rs.all) > 0 {
		rs.end(e, rs.all[0], now, why)
	}
}
