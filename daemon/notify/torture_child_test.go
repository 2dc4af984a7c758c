package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/oklog/ulid/v2"
	"go.uber.org/zap"

	"peervane/config"
	"peervane/daemon/notice"
	"peervane/daemon/store"
)

// life is what the child tells of each incident, in this order.
var life = [...]notice.Status{notice.Firing, notice.Updated, notice.Updated, notice.Updated, notice.Resolved}

// child is the program that is killed: it goes on with the incidents that its predecessor left open, begins others, and
// delivers, until it dies. With drain set it begins nothing, and ends when everything is delivered.
type child struct {
	store    *store.Store
	notices  *Dispatcher
	channels []config.Channel
	open     map[string]*notice.Notice
	step     map[string]int
	told     map[string]notice.Told
}

// runChild is the whole life of one child, as its environment describes it.
func runChild(dir, url string, drain bool) error {
	s, err := store.Open(store.Options{Path: filepath.Join(dir, "peervane.db"), Log: zap.NewNop()})
	if err != nil {
		return err
	}
	c := &child{
		store: s, open: map[string]*notice.Notice{}, step: map[string]int{}, told: map[string]notice.Told{},
		channels: []config.Channel{{
			Name: "noc", Kind: "webhook", URL: config.NewURL(url, false), MinSeverity: "info", Resolve: true, AllowPrivate: true,
		}},
	}
	c.notices = New(Options{
		Journal: s, Log: zap.NewNop(), Version: "torture",
		schedule: schedule{5 * time.Millisecond, 20 * time.Millisecond, 50 * time.Millisecond},
	})
	c.notices.SetChannels(c.channels)
	if err := c.load(); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	storeCtx, cancelStore := context.WithCancel(context.Background())
	var parts sync.WaitGroup
	parts.Go(func() { c.notices.Run(ctx) })
	parts.Go(func() { s.Run(storeCtx) })
	fmt.Println("up")
	for drain && s.Depth("noc") > 0 {
		time.Sleep(time.Millisecond)
	}
	for !drain {
		c.tell()
		time.Sleep(time.Millisecond)
	}
	cancel()
	cancelStore()
	parts.Wait()
	return nil
}

func (c *child) load() error {
	state, err := c.store.Load(context.Background())
	if err != nil {
		return err
	}
	for _, row := range state.Incidents {
		n, err := notice.Parse(row.Notice)
		if err != nil {
			return err
		}
		c.open[row.ID], c.told[row.ID] = &n, row.Told
		if c.step[row.ID], err = strconv.Atoi(string(row.State)); err != nil {
			return err
		}
	}
	return nil
}

// tell begins an incident, and takes every open one a step further, all in one transaction.
func (c *child) tell() {
	id, now := ulid.Make().String(), time.Now()
	c.open[id] = &notice.Notice{Incident: id, Type: notice.SubPrefix, Severity: notice.Critical, StartedAt: notice.At(now)}
	var b store.Batch
	var lines []string
	for id, n := range c.open {
		step := c.step[id]
		n.Delivery, n.Status, n.UpdatedAt, n.Reason = ulid.Make().String(), life[step], notice.At(now), strconv.Itoa(step)
		body, err := n.Body()
		if err != nil {
			panic(err)
		}
		to, told := Route(n, c.told[id], c.channels)
		c.step[id], c.told[id] = step+1, told
		row := store.Incident{
			ID: id, Type: n.Type, Status: n.Status, Severity: n.Severity, Started: n.StartedAt.Time, Updated: now, Told: told,
			Notice: body, State: []byte(strconv.Itoa(step + 1)),
		}
		if n.Status == notice.Resolved {
			row.Resolved = now
			delete(c.open, id)
		}
		b.Incidents = append(b.Incidents, row)
		b.Outbox = append(b.Outbox, Deliveries(n, body, to, now)...)
		line, _ := json.Marshal(committed{n.Delivery, id, step})
		lines = append(lines, string(line))
	}
	c.store.Submit(b, func(err error) {
		if err != nil {
			return
		}
		for _, line := range lines {
			fmt.Println(line)
		}
		c.notices.Hand(b.Outbox)
	})
}

// committed is what the child says once a notice is on disk.
type committed struct {
	Delivery, Incident string
	Step               int
}

// childMain runs this test binary as the child, if that is what it was started for.
func childMain() (is bool, code int) {
	dir := os.Getenv("PEERVANE_TORTURE_DIR")
	if dir == "" {
		return false, 0
	}
	if err := runChild(dir, os.Getenv("PEERVANE_TORTURE_URL"), os.Getenv("PEERVANE_TORTURE_DRAIN") != ""); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true, 1
	}
	return true, 0
}
