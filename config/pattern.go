package config

import (
	"errors"
	"regexp"
	"strings"
)

// CompilePathPattern turns an AS-path pattern in router syntax into a regular
// expression over the path as received, "64500 64501 {64496,64497}": "_" is
// the beginning, the end, or a delimiter between ASNs; "^" the neighbour's
// side, "$" the origin's; braces stand for themselves. The error says what to
// write.
func CompilePathPattern(pattern string) (*regexp.Regexp, error) {
	const most = 1000
	if len(pattern) > most || strings.Trim(pattern, "0123456789_^$.*+?[]()|-{}, ") != "" {
		return nil, errors.New(`digits, _ ^ $ . * + ? [ ] ( ) | { } only, such as "_64501_", "^64500_" or "_64496$"`)
	}
	expression := strings.NewReplacer("_", `(?:^|$|[ ,{}()])`, "{", `\{`, "}", `\}`).Replace(pattern)
	compiled, err := regexp.Compile(expression)
	if err != nil {
		return nil, errors.New(`a pattern whose brackets match and whose * + ? follow something, such as "_64501_"`)
	}
	return compiled, nil
}

// pathPattern is a pattern that compiles, or "".
func pathPattern(l *loading, v value) (string, bool) {
	s, ok := v.raw.(string)
	if !ok {
		return wrong[string](l, v, `a pattern in quotes, such as "_64501_"`)
	}
	if _, err := CompilePathPattern(s); err != nil {
		return wrong[string](l, v, err.Error())
	}
	return s, true
}

var pathRuleSchema = schema[PathRule]{
	name:  "paths",
	title: "paths",
	rows: []key[PathRule]{
		field("match", func(r *PathRule) *string { return &r.Match }, pathPattern, ""),
		field("not_match", func(r *PathRule) *string { return &r.NotMatch }, pathPattern, ""),
		field("require", func(r *PathRule) *string { return &r.Require }, pathPattern, ""),
		field("min_length", func(r *PathRule) *int { return &r.MinLength }, number(0, 4096), 0),
		field("max_length", func(r *PathRule) *int { return &r.MaxLength }, number(0, 4096), 0),
		field("description", func(r *PathRule) *string { return &r.Description }, text, ""),
	},
	check: checkPathRule,
}

func checkPathRule(l *loading, r *PathRule, it item) {
	if r.MaxLength > 0 && r.MinLength > r.MaxLength {
		l.fail(it.at("min_length"), "min_length is %d, above max_length %d; no path is both, so raise max_length", r.MinLength, r.MaxLength)
	}
	if len(it.bad) > 0 {
		return
	}
	if r.Match == "" && r.NotMatch == "" && r.Require == "" && r.MinLength == 0 && r.MaxLength == 0 {
		l.fail(it.table.pos(), `this rule would fire on every path; write what it looks for, such as match = "_64501_"`)
	}
}
