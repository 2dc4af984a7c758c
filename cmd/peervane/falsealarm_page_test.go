package main

import (
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// Between these lines of the page stands what the test writes.
const (
	figuresBegin = "<!-- figures: written by TestFalseAlarms -->\n"
	figuresEnd   = "<!-- end of figures -->\n"
)

// publish compares the figures of a page with those that were just measured, or writes them with -update.
func publish(t *testing.T, file, figures string) {
	t.Helper()
	page, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(page), figuresBegin)
	was, after, ended := strings.Cut(rest, figuresEnd)
	if !begun || !ended {
		t.Fatalf("%s has no place for the figures: it needs the lines %q and %q", file, figuresBegin, figuresEnd)
	}
	if was == figures || t.Failed() {
		return
	}
	if !*update {
		t.Errorf("%s says otherwise than what is measured now: look at what is new, and write the page anew with -update\n%s", file, figures)
		return
	}
	if err := os.WriteFile(file, []byte(before+figuresBegin+figures+figuresEnd+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func (m *minutes) write(w *strings.Builder) {
	days := float64(m.prefixes) * m.span.Hours() / 24
	fmt.Fprintf(w, "\n### `%s`\n\n", m.file)
	fmt.Fprintf(w, "%d vantages show %d prefixes. Drafted from the first %s: %d. Judged for %s: %.2f prefix-days.\n\n",
		m.vantages, m.seen, brief(m.draft), m.prefixes, brief(m.span.Round(time.Second)), days)
	fmt.Fprintf(w, "| type | told | conditions | prefixes | told a prefix-day | at most (95 %%) | two vantages |\n|---|--:|--:|--:|--:|--:|--:|\n")
	all := m.runs[0]
	for _, typ := range slices.Sorted(maps.Keys(all)) {
		n := len(all[typ])
		distinct, prefixes := conditions(all[typ])
		fmt.Fprintf(w, "| `%s` | %d | %d | %d | %.2f | %.2f | %d |\n", typ, n, distinct, prefixes,
			float64(n)/days, poissonBound(n)/days, len(m.runs[1][typ]))
	}
	fmt.Fprintf(w, "| any other | 0 | 0 | 0 | 0.00 | %.2f | 0 |\n\n", poissonBound(0)/days)
	fmt.Fprintf(w, "With `--upstreams`, and an `[[asn]]` table for each of the %d ASNs that have most of the prefixes (%d): ", m.watched[1], m.watched[0])
	var list []string
	for _, typ := range []string{"forged_origin", "new_upstream", "new_downstream", "unlisted_prefix"} {
		distinct, _ := conditions(m.runs[2][typ])
		list = append(list, fmt.Sprintf("`%s` %d (%d conditions)", typ, len(m.runs[2][typ]), distinct))
	}
	fmt.Fprintf(w, "%s.\n", strings.Join(list, ", "))
}

// brief writes a duration without its empty parts.
func brief(d time.Duration) string {
	return strings.TrimSuffix(strings.TrimSuffix(d.String(), "0s"), "0m")
}

// poissonBound is the greatest mean of which so few as n come with a chance of 5 %.
func poissonBound(n int) float64 {
	low, high := float64(n), float64(n)+10+5*math.Sqrt(float64(n))
	for range 60 {
		mean := (low + high) / 2
		if atMost(n, mean) > 0.05 {
			low = mean
		} else {
			high = mean
		}
	}
	return high
}

// atMost is the chance of n or fewer, where the mean is given.
func atMost(n int, mean float64) (p float64) {
	for k := range n + 1 {
		logFactorial, _ := math.Lgamma(float64(k + 1))
		p += math.Exp(float64(k)*math.Log(mean) - mean - logFactorial)
	}
	return p
}

// The bounds of a table of Poisson limits (Gehrels 1986, table 1).
func TestPoissonBound(t *testing.T) {
	for n, want := range map[int]float64{0: 2.996, 1: 4.744, 2: 6.296, 5: 10.51, 10: 16.96, 100: 118.1} {
		if got := poissonBound(n); math.Abs(got-want) > want/1000 {
			t.Errorf("%d: %.3f, want %.3f", n, got, want)
		}
	}
}
