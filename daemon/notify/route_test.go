package notify

import (
	"reflect"
	"slices"
	"testing"

	"peervane/config"
	"peervane/daemon/notice"
)

func channels() []config.Channel {
	return []config.Channel{
		{Name: "all", Kind: "webhook", MinSeverity: "info", Resolve: true},
		{Name: "pager", Kind: "webhook", MinSeverity: "critical", Resolve: true},
		{Name: "noisy", Kind: "webhook", MinSeverity: "info"},
		{Name: "leaks", Kind: "webhook", MinSeverity: "info", Types: []string{notice.RouteLeak}, Resolve: true},
		{Name: "noc", Kind: "webhook", MinSeverity: "info", Labels: map[string]string{"team": "noc"}, Resolve: true},
		{Name: "later", Kind: "carrier-pigeon", MinSeverity: "info", Resolve: true},
		{Name: "odd", Kind: "webhook", MinSeverity: "loud", Resolve: true},
	}
}

// told is a step in the life of an incident, and who is to hear of it.
type told struct {
	status   notice.Status
	severity notice.Severity
	to       []string
}

func TestRouteThroughALife(t *testing.T) {
	for name, c := range map[string]struct {
		typ    string
		labels map[string]string
		steps  []told
	}{
		"plain": {notice.SubPrefix, nil, []told{
			{notice.Firing, notice.Critical, []string{"all", "pager", "noisy"}},
			{notice.Resolved, notice.Critical, []string{"all", "pager"}},
		}},
		"type and labels": {notice.RouteLeak, map[string]string{"team": "noc", "x": "y"}, []told{
			{notice.Firing, notice.Warning, []string{"all", "noisy", "leaks", "noc"}},
			{notice.Resolved, notice.Warning, []string{"all", "leaks", "noc"}},
		}},
		"other label": {notice.SubPrefix, map[string]string{"team": "dev"}, []told{
			{notice.Firing, notice.Info, []string{"all", "noisy"}},
		}},
		"rises into a channel's range": {notice.SubPrefix, nil, []told{
			{notice.Firing, notice.Warning, []string{"all", "noisy"}},
			{notice.Updated, notice.Critical, []string{"all", "pager", "noisy"}},
			{notice.Resolved, notice.Critical, []string{"all", "pager"}},
		}},
		"falls out of it": {notice.SubPrefix, nil, []told{
			{notice.Firing, notice.Critical, []string{"all", "pager", "noisy"}},
			{notice.Updated, notice.Info, []string{"all", "pager", "noisy"}},
			{notice.Resolved, notice.Info, []string{"all", "pager"}},
		}},
		"resolved and never told": {notice.SubPrefix, nil, []told{
			{notice.Resolved, notice.Critical, nil},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			var so notice.Told
			for i, step := range c.steps {
				n := &notice.Notice{Type: c.typ, Labels: c.labels, Status: step.status, Severity: step.severity}
				to, after := Route(n, so, channels())
				if !slices.Equal(to, step.to) {
					t.Errorf("step %d goes to %v, want %v", i, to, step.to)
				}
				so = after
			}
			if c.steps[len(c.steps)-1].status == notice.Resolved && so != nil {
				t.Errorf("after the end %v is kept", so)
			}
		})
	}
}

// A channel of some connections is told of what belongs to one of them: by its own connection, or by any that it concerns.
func TestRouteByConnection(t *testing.T) {
	paris := []config.Channel{{Name: "paris", Kind: "webhook", MinSeverity: "error", Connections: []string{"paris-1", "paris-2"}, Resolve: true}}
	at := func(severity notice.Severity, connection string) notice.Audience {
		return notice.Audience{Severity: severity, Connection: connection}
	}
	for name, c := range map[string]struct {
		n    notice.Notice
		told bool
	}{
		"of the first":                  {notice.Notice{Severity: notice.Error, Connection: "paris-1"}, true},
		"of the second":                 {notice.Notice{Severity: notice.Critical, Connection: "paris-2"}, true},
		"of another":                    {notice.Notice{Severity: notice.Critical, Connection: "lyon-1"}, false},
		"of none":                       {notice.Notice{Severity: notice.Critical}, false},
		"too light":                     {notice.Notice{Severity: notice.Warning, Connection: "paris-1"}, false},
		"of several, one of them":       {notice.Notice{Audience: []notice.Audience{at(notice.Error, "lyon-1"), at(notice.Error, "paris-2")}}, true},
		"of several, grave elsewhere":   {notice.Notice{Audience: []notice.Audience{at(notice.Critical, "lyon-1"), at(notice.Info, "paris-1")}}, false},
		"of several, its own not asked": {notice.Notice{Severity: notice.Error, Connection: "paris-1", Audience: []notice.Audience{at(notice.Error, "lyon-1")}}, false},
	} {
		c.n.Type, c.n.Status = notice.Withdrawn, notice.Firing
		to, told := Route(&c.n, nil, paris)
		if got := slices.Equal(to, []string{"paris"}); got != c.told {
			t.Errorf("%s: goes to %v", name, to)
		}
		c.n.Status, c.n.Connection, c.n.Audience = notice.Resolved, "", nil
		if end, _ := Route(&c.n, told, paris); !slices.Equal(end, to) {
			t.Errorf("%s: its end goes to %v, its beginning went to %v", name, end, to)
		}
	}
}

func TestRouteAcrossReloads(t *testing.T) {
	firing := &notice.Notice{Type: notice.SubPrefix, Status: notice.Firing, Severity: notice.Warning}
	updated := &notice.Notice{Type: notice.SubPrefix, Status: notice.Updated, Severity: notice.Warning}
	resolved := &notice.Notice{Type: notice.SubPrefix, Status: notice.Resolved, Severity: notice.Warning}
	before := channels()
	_, told := Route(firing, nil, before)

	stricter := channels()
	for i := range stricter {
		stricter[i].MinSeverity, stricter[i].Resolve = "critical", !stricter[i].Resolve
	}
	if to, _ := Route(resolved, told, stricter); !slices.Equal(to, []string{"all"}) {
		t.Errorf("filters that changed since the firing send the resolve to %v", to)
	}

	_, told2 := Route(updated, told, stricter)
	if to, _ := Route(resolved, told2, stricter); !slices.Equal(to, []string{"all", "noisy"}) {
		t.Errorf("told once more, now with a wish for the end, and the resolve goes to %v", to)
	}

	without := slices.DeleteFunc(channels(), func(c config.Channel) bool { return c.Name == "all" })
	if to, _ := Route(resolved, told, without); !slices.Equal(to, []string{"all"}) {
		t.Errorf("the resolve goes to %v, and does not wait for the channel that may come back", to)
	}
	_, kept := Route(updated, told, without)
	if to, _ := Route(resolved, kept, before); !slices.Equal(to, []string{"all"}) {
		t.Errorf("a channel that was away for a while is told the end as %v", to)
	}
	if len(told) != 2 {
		t.Errorf("what was handed in has changed: %v", told)
	}
}

func TestDeliveriesShareTheNoticesID(t *testing.T) {
	n := &notice.Notice{Delivery: "d1", Incident: "i1"}
	rows := Deliveries(n, []byte("{}"), []string{"a", "b"}, epoch)
	want := []notice.Delivery{
		{ID: "d1", Channel: "a", Incident: "i1", Body: []byte("{}"), Created: epoch},
		{ID: "d1", Channel: "b", Incident: "i1", Body: []byte("{}"), Created: epoch},
	}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("got %+v", rows)
	}
}
