package config

import "slices"

// kind reads a value, or reports what is wrong with it. What it returns
// beside false is not used.
type kind[V any] func(l *loading, v value) (V, bool)

// key is one row of a schema: a TOML key and what it does to a T.
type key[T any] struct {
	name     string
	required string // what to write, where it must not be missing
	identity bool   // names the item, so that it has no place in [defaults]
	set      func(l *loading, t *T, v value)
	reset    func(t *T) // sets the default
}

// field is a row for a key that fills one field by itself.
func field[T, V any](name string, at func(*T) *V, read kind[V], def V) key[T] {
	return key[T]{
		name:  name,
		reset: func(t *T) { *at(t) = def },
		set: func(l *loading, t *T, v value) {
			if got, ok := read(l, v); ok {
				*at(t) = got
			}
		},
	}
}

// need is a row for a key without a default.
func need[T, V any](name string, at func(*T) *V, read kind[V], hint string) key[T] {
	var none V
	k := field(name, at, read, none)
	k.required = hint
	return k
}

// required makes the key of a row one that must be given.
func required[T any](k key[T], hint string) key[T] {
	k.required = hint
	return k
}

// identify is a row for the key that tells one item from another.
func identify[T, V any](name string, at func(*T) *V, read kind[V], hint string) key[T] {
	k := need(name, at, read, hint)
	k.identity = true
	return k
}

// custom is a row for a key that does more than fill a field. Its default is
// what the T is without it.
func custom[T any](name string, set func(l *loading, t *T, v value)) key[T] {
	return key[T]{name: name, set: set, reset: func(*T) {}}
}

// schema describes one table of the configuration: a row for each key, and
// the checks that look at several keys at once.
type schema[T any] struct {
	name  string // as in notYet: "peer"
	title string // as in messages: "[[peer]]"
	rows  []key[T]
	check func(l *loading, t *T, it item)
}

// item is a table as written, and the table of defaults under it.
type item struct {
	table    value
	defaults value
	bad      []string // keys of the table whose values have been reported
}

// isBad says whether one of these keys has been reported, so that nothing can
// be concluded from what it was read as.
func (it item) isBad(names ...string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return slices.Contains(it.bad, name) })
}

// own returns the value of a key that stands in the table itself.
func (it item) own(name string) (value, bool) { return it.table.get(name) }

// has says whether a key stands in the table or in its defaults.
func (it item) has(name string) bool {
	_, own := it.table.get(name)
	_, inherited := it.defaults.get(name)
	return own || inherited
}

// at is the place to name for a key: its value, the default that it has, or,
// where there is neither, the table.
func (it item) at(name string) Pos {
	if v, ok := it.table.get(name); ok {
		return v.pos()
	}
	if v, ok := it.defaults.get(name); ok {
		return v.pos()
	}
	return it.table.keyPos()
}

// builtin returns a T of nothing but defaults.
func (s *schema[T]) builtin() T {
	var t T
	for _, row := range s.rows {
		row.reset(&t)
	}
	return t
}

// base returns the built-in defaults with those of [defaults.NAME] on them.
func (s *schema[T]) base(l *loading, defaults value) T {
	t := s.builtin()
	for _, name := range defaults.keys() {
		v, _ := defaults.get(name)
		if row := s.row(name); row != nil && row.identity {
			l.fail(v.keyPos(), "%s has no default; write it in each %s", name, s.title)
			continue
		}
		s.apply(l, &t, v)
	}
	return t
}

// read fills a copy of base from a table and checks it.
func (s *schema[T]) read(l *loading, base T, it item) T {
	t := base
	for _, name := range it.table.keys() {
		v, _ := it.table.get(name)
		before := l.errors
		s.apply(l, &t, v)
		if l.errors > before {
			it.bad = append(it.bad, name)
		}
	}
	for _, row := range s.rows {
		if row.required != "" && !it.has(row.name) {
			l.fail(it.table.keyPos(), "%s has no %s; %s", s.title, row.name, row.required)
		}
	}
	if s.check != nil {
		s.check(l, &t, it)
	}
	return t
}

func (s *schema[T]) apply(l *loading, t *T, v value) {
	row := s.row(v.name)
	if row == nil {
		l.unknown(v, "in "+s.title, s.names())
		return
	}
	l.notice(s.name+"."+v.name, v.name, v)
	row.set(l, t, v)
}

func (s *schema[T]) row(name string) *key[T] {
	for i := range s.rows {
		if s.rows[i].name == name {
			return &s.rows[i]
		}
	}
	return nil
}

func (s *schema[T]) names() []string {
	names := make([]string, len(s.rows))
	for i, row := range s.rows {
		names[i] = row.name
	}
	return names
}

// inline is the kind of an array of tables within another table.
func (s *schema[T]) inline(l *loading, v value) (T, bool) {
	if !v.isTable() {
		return wrong[T](l, v, "a table, { … }")
	}
	return s.read(l, s.builtin(), item{table: v}), true
}

// wrong reports a value that is not what it must be.
func wrong[V any](l *loading, v value, want string) (V, bool) {
	var none V
	verb := "is"
	if v.part {
		verb = "has"
	}
	l.fail(v.pos(), "%s %s %s; write %s", v.name, verb, v, want)
	return none, false
}
