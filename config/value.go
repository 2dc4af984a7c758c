package config

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// file is one TOML file of the configuration.
type file struct {
	name string
	dir  string // where its relative paths start
}

func (f *file) pos(p place) Pos { return Pos{File: f.name, Line: p.line, Col: p.col} }

// value is a decoded TOML value and the place where it stands.
type value struct {
	raw  any
	mark *mark
	file *file
	name string // the key that it belongs to
	part bool   // it is an element of what the key holds
}

// pos is where the value stands, keyPos where its key does.
func (v value) pos() Pos    { return v.file.pos(v.mark.at) }
func (v value) keyPos() Pos { return v.file.pos(v.mark.key) }

// get returns what a key of a table leads to.
func (v value) get(name string) (value, bool) {
	table, _ := v.raw.(map[string]any)
	raw, ok := table[name]
	if !ok {
		return value{}, false
	}
	m := v.mark.table[name]
	if m == nil {
		m = v.mark
	}
	return value{raw: raw, mark: m, file: v.file, name: name}, true
}

// keys returns the keys of a table, sorted.
func (v value) keys() []string {
	table, _ := v.raw.(map[string]any)
	return slices.Sorted(maps.Keys(table))
}

// isTable says whether it is one, and isTables whether it is [[an]] array of
// nothing but tables; an empty array is one too.
func (v value) isTable() bool {
	_, ok := v.raw.(map[string]any)
	return ok
}

func (v value) isTables() bool {
	list, ok := v.items()
	return ok && !slices.ContainsFunc(list, func(e value) bool { return !e.isTable() })
}

// items returns the elements of an array. The library has two forms of it.
func (v value) items() ([]value, bool) {
	switch raw := v.raw.(type) {
	case []any:
		list := make([]value, len(raw))
		for i, e := range raw {
			list[i] = v.item(i, e)
		}
		return list, true
	case []map[string]any:
		list := make([]value, len(raw))
		for i, e := range raw {
			list[i] = v.item(i, e)
		}
		return list, true
	}
	return nil, false
}

func (v value) item(i int, raw any) value {
	m := v.mark
	if i < len(m.list) {
		m = m.list[i]
	}
	return value{raw: raw, mark: m, file: v.file, name: v.name, part: true}
}

// String shows the value in a message.
func (v value) String() string {
	switch raw := v.raw.(type) {
	case string:
		return strconv.Quote(clip(raw))
	case []any:
		if len(raw) == 0 {
			return "an empty list"
		}
		return "a list"
	case []map[string]any:
		return "a list"
	case map[string]any:
		return "a table"
	case time.Time:
		return "a date"
	}
	return fmt.Sprint(v.raw)
}

// clip keeps a message readable whatever a file holds.
func clip(s string) string {
	const most = 80
	n := 0
	for i := range s {
		if n++; n > most {
			return s[:i] + "…"
		}
	}
	return s
}
