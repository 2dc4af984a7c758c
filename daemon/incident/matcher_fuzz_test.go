package incident

import (
	"strings"
	"testing"
)

// FuzzMatcher holds that whatever is taken for a matcher reads back as the same one, and that no text makes it panic.
func FuzzMatcher(f *testing.F) {
	f.Add("type=withdrawn")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := ParseMatcher(text)
		if err != nil {
			if strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("the error has several lines: %q", err)
			}
			return
		}
		m.matches(&Record{})
		again, err := ParseMatcher(m.String())
		if err != nil || again.String() != m.String() {
			t.Errorf("%q became %q, which reads as %q, %v", text, m, again, err)
		}
	})
}
