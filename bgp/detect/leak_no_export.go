package detect

import "fmt"

// byNoExport: the registration wants the prefix to stay with the neighbours of its origin, and the path has three ASes or
// more. That the route carries NO_EXPORT itself is no leak: it has been obeyed.
func byNoExport(t *trail) *suspicion {
	n := len(t.hops)
	if !t.noExport || n < 3 {
		return nil
	}
	return &suspicion{
		suspects: []int{n - 2},
		reason:   fmt.Sprintf("%s gave it beyond the neighbours of %s", t.name(n-2), t.name(n-1)),
	}
}
