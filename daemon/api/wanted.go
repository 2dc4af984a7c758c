package api

import (
	"fmt"
	"net/http"
	"net/netip"
)

// Wanted says which routes are asked for.
type Wanted struct {
	Prefix  netip.Prefix
	Match   Match
	Vantage string // "" = all
}

// Match says how routes must be related to a prefix.
type Match string

// The matches. All but Watched look into full tables too.
const (
	Related Match = "related" // it, what is inside, and what covers it
	Exact   Match = "exact"
	Longest Match = "longest" // at each vantage, the longest prefix that is or covers it
	Longer  Match = "longer"  // it, and what is inside
	Watched Match = "watched" // as Related, only what is watched
)

var matches = map[string]Match{
	"": Related, "related": Related, "exact": Exact, "longest": Longest, "longer": Longer, "watched": Watched,
}

// matchOf reads ?match=.
func matchOf(r *http.Request) (Match, error) {
	text := r.URL.Query().Get("match")
	m, ok := matches[text]
	if !ok {
		return m, bad("match", text, "give one of related, exact, longest, longer, watched")
	}
	return m, nil
}

// TooMany says that a vantage holds more routes of what was asked for than one answer tells.
type TooMany struct {
	Vantage string
	Most    int
}

func (t TooMany) Error() string {
	return fmt.Sprintf("%s holds over %d such routes: ask for a longer prefix, or with match=exact, longest or watched", t.Vantage, t.Most)
}
