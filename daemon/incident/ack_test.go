package incident

import "testing"

// Who acknowledges twice takes nothing back of what they said; another person begins anew.
func TestAckKeepsTheComment(t *testing.T) {
	d := newDesk(t)
	d.see(hijack("e1"))
	for _, c := range []struct{ by, comment, want string }{
		{"anna", "called the provider", "acknowledged by anna: called the provider"},
		{"anna", "", "acknowledged by anna: called the provider"},
		{"anna", "they mend it", "acknowledged by anna: they mend it"},
		{"bo", "", "acknowledged by bo"},
	} {
		if _, err := d.book.Ack("incident-1", Ack{By: c.by, At: d.now, Comment: c.comment}, d.now); err != nil {
			t.Fatal(err)
		}
		if got := d.book.Record("incident-1").Ack.text(); got != c.want {
			t.Errorf("%s says %q: %q, want %q", c.by, c.comment, got, c.want)
		}
	}
	if got := (&Ack{By: "anna"}).Event("incident-1"); got != "anna works at incident incident-1" {
		t.Errorf("event %q", got)
	}
}
