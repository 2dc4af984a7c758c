package config

import (
	"cmp"
	"fmt"
	"slices"
)

// Pos is a place in a configuration file. Line and Col start at 1; Col counts
// characters, a tab being one.
type Pos struct {
	File string
	Line int32
	Col  int32
}

func (p Pos) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Col) }

// Severity of a problem.
type Severity string

// An error refuses the configuration; a warning does not.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
)

// Problem is one thing that is wrong with a configuration.
type Problem struct {
	Pos
	Severity Severity
	Text     string // what is wrong, and what would be right
}

// String is FILE:LINE:COL: and the text; a warning says that it is one.
func (p Problem) String() string {
	if p.Severity == Warning {
		return fmt.Sprintf("%s: warning: %s", p.Pos, p.Text)
	}
	return fmt.Sprintf("%s: %s", p.Pos, p.Text)
}

// Refused says whether any of the problems is an error, so that the
// configuration must not be used.
func Refused(problems []Problem) bool {
	return slices.ContainsFunc(problems, func(p Problem) bool { return p.Severity == Error })
}

// sortProblems orders them as a reader meets them: file by file in the order
// of reading, then from top to bottom.
func sortProblems(problems []Problem, files []string) {
	slices.SortStableFunc(problems, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(slices.Index(files, a.File), slices.Index(files, b.File)),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Col, b.Col),
		)
	})
}
