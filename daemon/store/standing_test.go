package store

import (
	"slices"
	"testing"
	"time"

	"peervane/daemon/notice"
)

func TestStandingIsWhatAChannelIsOwedTheEndOf(t *testing.T) {
	r := start(t, Options{Path: path(t)})
	var b Batch
	for id, told := range map[string]notice.Told{
		"owed": {"noc": true, "mail": true}, "not owed": {"noc": false}, "other": {"mail": true}, "nobody": nil, "ended": {"noc": true},
	} {
		i := incident(id)
		i.Told, i.Notice, i.Resolved = told, []byte("body of "+id), time.Time{}
		if id == "ended" {
			i.Resolved = i.Updated
		}
		b.Incidents = append(b.Incidents, i)
	}
	r.mustPut(t, b)
	for channel, want := range map[string][]string{"noc": {"owed"}, "mail": {"other", "owed"}, "none": nil, `"`: nil} {
		found, err := r.Standing(t.Context(), channel)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range found {
			got = append(got, d.Incident)
			if string(d.Body) != "body of "+d.Incident || d.Channel != channel {
				t.Errorf("got %+v", d)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", channel, got, want)
		}
	}
}
