package store

import (
	"slices"
	"testing"
	"time"

	"peervane/daemon/notice"
)

// What ended lately is told of the types that are asked for, those of a group among them; a text that cannot be read is left out.
func TestEndedLately(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	now := time.Now().UTC().Truncate(time.Microsecond)
	ended := func(id, typ string, ago time.Duration, body string) Incident {
		i := incident(id)
		i.Type, i.Status, i.Resolved, i.Updated, i.Notice, i.Group = typ, notice.Resolved, now.Add(-ago), now.Add(-ago), []byte(body), "g"
		return i
	}
	body := `{"offending_prefix":"10.1.0.0/24","culprit_asn":64510}`
	open := incident("open")
	open.Updated = now
	s.mustPut(t, Batch{Incidents: []Incident{
		open, ended("late", notice.SubPrefix, time.Minute, body), ended("later", notice.OriginChange, time.Second, body),
		ended("old", notice.SubPrefix, 2*lately, body), ended("other", notice.Withdrawn, time.Minute, body), ended("torn", notice.SubPrefix, time.Minute, "{"),
	}})
	got, err := s.Ended(t.Context(), notice.SubPrefix, notice.OriginChange)
	if err != nil || len(got) != 2 {
		t.Fatalf("got %+v, %v", got, err)
	}
	for i, at := range []time.Time{now.Add(-time.Minute), now.Add(-time.Second)} {
		if e := got[i]; e.Prefix != prefix || e.Offending.String() != "10.1.0.0/24" || e.Culprit != 64510 || !e.At.Equal(at) {
			t.Errorf("got %+v", e)
		}
	}
}

// A restart learns who has ended in a group that is open, and nothing of other groups.
func TestMembersThatHaveEnded(t *testing.T) {
	s := start(t, Options{Path: path(t)})
	now := time.Now().UTC()
	member := func(id, group string, over bool) Incident {
		i := incident(id)
		i.Fingerprint, i.Group, i.Updated = "f-"+id, group, now
		if over {
			i.Status, i.Resolved = notice.Resolved, now
		}
		return i
	}
	s.mustPut(t, Batch{Incidents: []Incident{
		member("open", "", false), member("over", "", true),
		member("a", "open", true), member("b", "open", false), member("c", "open", true), member("d", "over", true),
	}})
	st, err := s.Load(t.Context())
	if want := []Member{{"open", "f-a"}, {"open", "f-c"}}; err != nil || !slices.Equal(st.Members, want) {
		t.Errorf("got %+v, %v", st.Members, err)
	}
}
