package config

import (
	"fmt"
	"slices"
)

// maxPerFile bounds the errors that one file can print, and likewise the
// warnings: a prefix list with a wrong column has a million of them.
const maxPerFile = 200

// report gathers what is wrong.
type report struct {
	problems []Problem
	count    map[tally]int
	errors   int
}

// tally is what is counted together: many warnings neither hide an error nor
// make one.
type tally struct {
	file     string
	severity Severity
}

func (r *report) add(severity Severity, at Pos, format string, args ...any) {
	if r.count == nil {
		r.count = make(map[tally]int)
	}
	if severity == Error {
		r.errors++
	}
	of := tally{at.File, severity}
	r.count[of]++
	if r.count[of] <= maxPerFile {
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
		r.more(tally{name, Warning}, "and %d more warnings about this file")
		r.more(tally{name, Error}, "and %d more problems in this file; mend these first")
	}
	return r.problems
}

// more says, behind those of a file that are told, how many are not.
func (r *report) more(of tally, text string) {
	if more := r.count[of] - maxPerFile; more > 0 {
		last := lastOf(r.problems, of.file)
		said := Problem{r.problems[last].Pos, of.severity, fmt.Sprintf(text, more)}
		r.problems = slices.Insert(r.problems, last+1, said)
	}
}

func lastOf(problems []Problem, file string) int {
	for i, p := range slices.Backward(problems) {
		if p.File == file {
			return i
		}
	}
	return len(problems) - 1
}
