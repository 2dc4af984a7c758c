package incident

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// What ended before a restart and comes again is not counted twice.
func TestARestartCountsNobodyTwice(t *testing.T) {
	d := newDesk(t)
	d.storm(1, 60, "noc")
	id := d.told[10].Incident
	ended := map[string]bool{}
	for _, r := range d.book.Members(id) {
		for i := 20; i <= 40; i++ {
			ended[r.Notice.Fingerprint] = ended[r.Notice.Fingerprint] || r.Notice.Prefix == numbered(i)
		}
	}
	d.calm(20, 40)
	records := d.book.Records()
	again := options(nil)
	again.NewID = func(_ string, _ time.Time, ordinal int) string { return fmt.Sprint("another-", ordinal) }
	d.book = NewBook(again)
	d.book.Restore(records, nil)
	for fingerprint, is := range ended {
		if is {
			d.book.Counted(id, fingerprint)
		}
	}
	d.storm(20, 40, "noc")
	d.storm(61, 62, "noc")
	d.book.Loud()
	if r := d.book.Record(id); !strings.Contains(r.Notice.Summary, " at 52 more prefixes") {
		t.Errorf("of 52 it says %s", r.Notice.Summary)
	}
}
