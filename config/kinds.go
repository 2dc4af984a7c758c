package config

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
)

// text is any string on one line.
func text(l *loading, v value) (string, bool) {
	s, ok := v.raw.(string)
	if !ok || strings.ContainsFunc(s, unicode.IsControl) {
		return wrong[string](l, v, `text in quotes, on one line`)
	}
	return s, true
}

// itemName is what logs, metrics and commands call an item. The slash is taken:
// dynamic neighbours are named NAME/ADDRESS.
func itemName(l *loading, v value) (string, bool) {
	s, ok := v.raw.(string)
	printable := !strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == '/' })
	if !ok || s == "" || len(s) > 64 || !printable || strings.TrimSpace(s) != s {
		return wrong[string](l, v, `a name of 1 to 64 characters without "/", such as "edge1-v4"`)
	}
	return s, true
}

func boolean(l *loading, v value) (bool, bool) {
	b, ok := v.raw.(bool)
	if !ok {
		return wrong[bool](l, v, "true or false, without quotes")
	}
	return b, true
}

// number is a whole one within bounds.
func number(least, most int) kind[int] {
	return func(l *loading, v value) (int, bool) {
		n, ok := v.raw.(int64)
		if !ok || n < int64(least) || n > int64(most) {
			want := fmt.Sprintf("a whole number from %d to %d", least, most)
			if _, quoted := v.raw.(string); quoted {
				want += ", without quotes"
			}
			return wrong[int](l, v, want)
		}
		return int(n), true
	}
}

// degrees is a latitude or a longitude.
func degrees(most float64) kind[float64] {
	return func(l *loading, v value) (float64, bool) {
		n, ok := v.raw.(float64)
		if i, whole := v.raw.(int64); whole {
			n, ok = float64(i), true
		}
		if !ok || !(n >= -most && n <= most) {
			return wrong[float64](l, v, fmt.Sprintf("degrees from %g to %g", -most, most))
		}
		return n, true
	}
}

// span is a duration within bounds.
func span(least, most time.Duration) kind[time.Duration] {
	want := fmt.Sprintf("a duration from %q to %q", formatSpan(least), formatSpan(most))
	return duration(want, func(d time.Duration) bool { return d >= least && d <= most })
}

// offOr is a duration that may also be "0s".
func offOr(least, most time.Duration) kind[time.Duration] {
	want := fmt.Sprintf(`"0s" or a duration from %q to %q`, formatSpan(least), formatSpan(most))
	return duration(want, func(d time.Duration) bool { return d == 0 || d >= least && d <= most })
}

// duration is one that is fit. A bare number most probably meant seconds.
func duration(want string, fit func(time.Duration) bool) kind[time.Duration] {
	return func(l *loading, v value) (time.Duration, bool) {
		if n, ok := v.raw.(int64); ok && n >= 0 && n <= int64(10*365*day/time.Second) && fit(time.Duration(n)*time.Second) {
			return wrong[time.Duration](l, v, fmt.Sprintf("%q, with its unit", fmt.Sprintf("%ds", n)))
		}
		s, ok := v.raw.(string)
		d, err := ParseSpan(s)
		if !ok || err != nil || !fit(d) {
			return wrong[time.Duration](l, v, want)
		}
		return d, true
	}
}

// seconds is a duration that a BGP message carries in whole seconds.
func seconds(read kind[time.Duration]) kind[time.Duration] {
	return func(l *loading, v value) (time.Duration, bool) {
		d, ok := read(l, v)
		if ok && d%time.Second != 0 {
			return wrong[time.Duration](l, v, fmt.Sprintf("whole seconds, such as %q", formatSpan(d.Round(time.Second))))
		}
		return d, ok
	}
}

// byteSize is a size, not less than least.
func byteSize(least int64) kind[int64] {
	return func(l *loading, v value) (int64, bool) {
		s, ok := v.raw.(string)
		n, err := parseSize(s)
		if !ok || err != nil || n < least {
			return wrong[int64](l, v, fmt.Sprintf(`a size of at least %d MB, such as "1GB"`, least/1e6))
		}
		return n, true
	}
}

// oneOf is a word out of a few.
func oneOf(words ...string) kind[string] {
	return func(l *loading, v value) (string, bool) {
		s, ok := v.raw.(string)
		if ok && slices.Contains(words, s) {
			return s, true
		}
		if near := nearest(s, words); near != "" {
			l.fail(v.pos(), "%s is %s; did you mean %q? It is one of %s", v.name, v, near, quoteAll(words))
			return "", false
		}
		return wrong[string](l, v, "one of "+quoteAll(words))
	}
}

// listOf is an array, each element of one kind. An empty one is nil, as if
// the key were absent.
func listOf[V any](read kind[V]) kind[[]V] {
	return func(l *loading, v value) ([]V, bool) {
		items, ok := v.items()
		if !ok {
			return wrong[[]V](l, v, listHint(v))
		}
		var list []V
		for _, e := range items {
			got, good := read(l, e)
			if good {
				list = append(list, got)
			}
			ok = ok && good
		}
		return list, ok
	}
}

func listHint(v value) string {
	switch v.raw.(type) {
	case string, int64:
		return fmt.Sprintf("a list, [%s]", v)
	}
	return "a list, [ … ]"
}

// setOf is an array in which nothing stands twice.
func setOf[V comparable](read kind[V]) kind[[]V] {
	return func(l *loading, v value) ([]V, bool) {
		seen := make(map[V]bool)
		return listOf(func(l *loading, e value) (V, bool) {
			got, ok := read(l, e)
			if ok && seen[got] {
				l.fail(e.pos(), "%s has %v twice; remove one", v.name, e)
				return got, false
			}
			seen[got] = seen[got] || ok
			return got, ok
		})(l, v)
	}
}

// labelTable is a table of strings.
func labelTable(l *loading, v value) (map[string]string, bool) {
	if !v.isTable() {
		return wrong[map[string]string](l, v, `a table of texts, { team = "noc" }`)
	}
	var m map[string]string
	for _, name := range v.keys() {
		e, _ := v.get(name)
		if s, ok := text(l, e); ok {
			if m == nil {
				m = make(map[string]string)
			}
			m[name] = s
		}
	}
	return m, true
}

// filePath is a file or a folder; a relative one starts at the folder of the file
// that names it. "" is none.
func filePath(l *loading, v value) (string, bool) {
	s, ok := text(l, v)
	return resolve(v, s), ok
}

func resolve(v value, name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(v.file.dir, name)
}
