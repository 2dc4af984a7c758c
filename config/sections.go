package config

import (
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// The shapes that a top-level key can have.
const (
	once     = iota // [daemon]: one table, in one file
	repeated        // [[peer]]: as many as one likes, in any file
	defaults        // [defaults.peer]
	plain           // prefixes = [...]: a value, in any file
)

// layout is the top level of the configuration.
var layout = []struct {
	name  string
	shape int
}{
	{"include", plain},
	{"prefixes", plain},
	{"prefix_file", plain},
	{"daemon", once},
	{"log", once},
	{"defaults", defaults},
	{"peer", repeated},
	{"feed", repeated},
	{"neighbour", repeated},
	{"connection", repeated},
	{"prefix", repeated},
	{"asn", repeated},
	{"detect", once},
	{"severity", once},
	{"rpki", once},
	{"pop", repeated},
	{"probe", once},
	{"retention", once},
	{"channel", repeated},
}

// sections is the top level of all files together.
type sections struct {
	main     *file
	one      map[string]value
	many     map[string][]value
	defaults map[string]value
	plain    map[string][]value
}

// absent stands for a table that no file has.
func (s *sections) absent(name string) value {
	m := &mark{key: place{1, 1}, at: place{1, 1}}
	return value{raw: map[string]any(nil), mark: m, file: s.main, name: name}
}

// collect adds the top level of a file.
func (l *loading) collect(doc value, main bool) {
	s := &l.tables
	if main {
		*s = sections{doc.file, map[string]value{}, map[string][]value{}, map[string]value{}, map[string][]value{}}
	}
	for _, name := range doc.keys() {
		v, _ := doc.get(name)
		if name == "include" && !main {
			l.fail(v.keyPos(), "an included file cannot include others; move this to %s", s.main.name)
			continue
		}
		l.place(v)
	}
}

// place puts a top-level key where its shape belongs.
func (l *loading) place(v value) {
	i := slices.IndexFunc(layout, func(e struct {
		name  string
		shape int
	}) bool {
		return e.name == v.name
	})
	switch {
	case i < 0:
		l.unknown(v, "at the top level", topLevel())
	case layout[i].shape == once:
		l.placeOnce(l.tables.one, v, v.name)
	case layout[i].shape == repeated:
		l.placeRepeated(v)
	case layout[i].shape == defaults:
		l.placeDefaults(v)
	default:
		l.tables.plain[v.name] = append(l.tables.plain[v.name], v)
	}
}

func topLevel() []string {
	names := make([]string, len(layout))
	for i, e := range layout {
		names[i] = e.name
	}
	return names
}

func (l *loading) placeOnce(into map[string]value, v value, title string) {
	if !v.isTable() {
		l.fail(v.keyPos(), "%s stands once; write it as the table [%s]", v.name, title)
		return
	}
	if first, ok := into[v.name]; ok {
		l.fail(v.keyPos(), "[%s] stands at %s already; keep the table in one file", title, first.keyPos())
		return
	}
	into[v.name] = v
}

func (l *loading) placeRepeated(v value) {
	items, _ := v.items()
	if !v.isTables() {
		l.fail(v.keyPos(), "there can be several of %s; write each as [[%s]]", v.name, v.name)
		return
	}
	l.tables.many[v.name] = append(l.tables.many[v.name], items...)
}

func (l *loading) placeDefaults(v value) {
	if !v.isTable() {
		l.fail(v.keyPos(), "defaults is %s; write [defaults.peer], [defaults.prefix] or [defaults.pop]", v)
		return
	}
	known := []string{"peer", "prefix", "pop"}
	for _, name := range v.keys() {
		e, _ := v.get(name)
		if !slices.Contains(known, name) {
			l.unknown(e, "in [defaults]", known)
			continue
		}
		l.placeOnce(l.tables.defaults, e, "defaults."+name)
	}
}

// includes reads the files that the main file's globs match, each once, in
// the order of their names.
func (l *loading) includes(main value) {
	v, ok := main.get("include")
	if !ok {
		return
	}
	listOf(text)(l, v)
	globs, _ := v.items()
	var names []string
	for _, glob := range globs {
		names = append(names, l.matches(glob)...)
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		if filepath.Clean(name) == filepath.Clean(main.file.name) {
			continue // a glob for the whole folder matches the main file too
		}
		if doc, ok := l.document(name); ok {
			l.collect(doc, false)
		}
	}
}

// matches returns the files that a glob matches, folders left out.
func (l *loading) matches(v value) []string {
	glob, _ := v.raw.(string)
	if glob == "" {
		return nil
	}
	if !filepath.IsAbs(glob) {
		glob = filepath.Join(escapeGlob(v.file.dir), glob)
	}
	names, err := l.fs.Glob(glob)
	if err != nil {
		wrong[string](l, v, `a pattern whose brackets are closed, such as "conf.d/*.toml"`)
	}
	return slices.DeleteFunc(names, func(name string) bool {
		info, err := fs.Stat(l.fs, name)
		return err == nil && info.IsDir()
	})
}

// escapeGlob protects what is special in a folder's name.
func escapeGlob(dir string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
}
