package config

import (
	"fmt"
	"slices"
)

// maxPerFile bounds the errors that one file can print: a prefix list with a
// wrong column has a million of them.
const maxPerFile = 200

// report gathers what is wrong.
type report struct {
	problems []Problem
	count    map[string]int // by file
	total    int
}

func (r *report) add(severity Severity, at Pos, format string, args ...any) {
	if r.count == nil {
		r.count = make(map[string]int)
	}
	r.total++
	r.count[at.File]++
	if r.count[at.File] <= maxPerFile {
		r.problems = append(r.problems, Problem{at, severity, fmt.Sprintf(format, args...)})
	}
}

func (r *report) fail(at Pos, format string, args ...any) {
	r.add(Error, at, format, args...)
}

func (r *report) warn(at Pos, format string, args ...any) {
	r.add(Warning, at, format, args...)
}

// all returns the problems in the order in which a reader meets them, files
// in the order given, and says of each file how many more there were.
func (r *report) all(files []string) []Problem {
	sortProblems(r.problems, files)
	for _, name := range files {
		more := r.count[name] - maxPerFile
		if more <= 0 {
			continue
		}
		last := lastOf(r.problems, name)
		text := fmt.Sprintf("and %d more problems in this file; mend these first", more)
		r.problems = slices.Insert(r.problems, last+1, Problem{r.problems[last].Pos, Error, text})
	}
	return r.problems
}

func lastOf(problems []Problem, file string) int {
	for i, p := range slices.Backward(problems) {
		if p.File == file {
			return i
		}
	}
	return len(problems) - 1
}
