package join

import (
	"cmp"
	"strings"
)

// icmp is the method that is measured best, so its figures are preferred.
const icmp = "icmp"

func compareFlows(a, b Flow) int {
	return cmp.Or(
		strings.Compare(a.POP, b.POP),
		a.Source.Compare(b.Source),
		methodRank(a.Method)-methodRank(b.Method),
		strings.Compare(a.Method, b.Method),
		a.Addr.Compare(b.Addr),
	)
}

func methodRank(method string) int {
	if method == icmp {
		return 0
	}
	return 1
}
