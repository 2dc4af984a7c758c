package config

import (
	"io"
	"io/fs"
	"os"
)

// Loader says where a configuration is read from, and what for.
type Loader struct {
	// Files is the file system; nil is the host's, see Host.
	Files fs.GlobFS
	// Credentials is the folder of the systemd credentials, "" if there is
	// none. A secret named without a folder is looked for there first.
	Credentials string
	// Recording asks for a configuration to judge a recording with: [daemon]
	// may be empty, connections may name peers that are not configured, and no
	// secret is read.
	Recording bool
	// SLURM and RPKIFile say what is wrong with the content of rpki.slurm and
	// of rpki.file: these formats are known elsewhere. nil looks at none. A bad
	// SLURM file is an error, for it is the operator's. The other is written by
	// another program, time and again: that it is bad now, or not there, is a
	// warning.
	SLURM, RPKIFile func(io.Reader) error
	// Advice asks for warnings that a daemon need not be told at each start: of
	// what is no mistake, and may be on purpose.
	Advice bool
	// Previous is an earlier load, if there is one. Of prefix lists only the lines
	// that changed since are read again.
	Previous *Config
}

// Load reads the configuration at path, from the host where fsys is nil. It
// returns nil and why, if any problem is an error; otherwise the problems are
// warnings. They come in reading order: file by file, from top to bottom.
func Load(fsys fs.GlobFS, path string) (*Config, []Problem) {
	loader := Loader{Files: fsys}
	if fsys == nil {
		loader.Credentials = os.Getenv("CREDENTIALS_DIRECTORY")
	}
	return loader.Load(path)
}

// Load is as the function of the same name.
func (loader Loader) Load(path string) (*Config, []Problem) {
	l := &loading{Loader: loader, fs: loader.Files}
	if l.fs == nil {
		l.fs = Host()
	}
	if main, ok := l.document(path); ok {
		l.collect(main, true)
		l.includes(main)
		l.build()
	}
	problems := l.all(l.files)
	sortProblems(l.cfg.NotInEffect, l.files)
	if Refused(problems) {
		return nil, problems
	}
	cfg := l.cfg // alone: what was read must not stay with it
	return &cfg, problems
}

// loading is one load: what has been read and found so far.
type loading struct {
	Loader
	report
	fs         fs.GlobFS
	files      []string // in reading order
	incomplete bool     // a file is missing from what follows
	tables     sections
	kept       []kept // of cfg.Prefixes
	cfg        Config
}

// build turns the tables into the configuration. What others refer to comes
// first.
func (l *loading) build() {
	l.cfg.Daemon = readOne(l, &daemonSchema, "daemon")
	l.cfg.Log = readOne(l, &logSchema, "log")
	l.cfg.Detect = readOne(l, &detectSchema, "detect")
	l.cfg.Severity = l.severities()
	l.cfg.RPKI = readOne(l, &rpkiSchema, "rpki")
	l.cfg.Probe = readOne(l, &probeSchema, "probe")
	l.cfg.Retention = readOne(l, &retentionSchema, "retention")
	l.cfg.Peers = l.peers()
	l.cfg.Feeds = l.feeds()
	l.cfg.Neighbours = l.neighbours()
	l.cfg.ASNs = l.asnWatches()
	l.cfg.POPs = l.pops()
	l.registrations()
	l.cfg.Channels = l.channels()
}

// readOne reads a table that stands once, or not at all.
func readOne[T any](l *loading, s *schema[T], name string) T {
	table := l.tables.one[name]
	if table.file == nil {
		table = l.tables.absent(name)
	} else {
		l.notice(name, s.title, table)
	}
	return s.read(l, s.builtin(), item{table: table})
}

// readEach reads an array of tables, each on top of base.
func readEach[T any](l *loading, s *schema[T], base T) ([]T, []item) {
	var list []T
	var items []item
	for _, table := range l.tables.many[s.name] {
		l.notice(s.name, s.title, table)
		it := item{table: table, defaults: l.tables.defaults[s.name]}
		list, items = append(list, s.read(l, base, it)), append(items, it)
	}
	return list, items
}

// unknown reports a key that no schema has.
func (l *loading) unknown(v value, where string, known []string) {
	if near := nearest(v.name, known); near != "" {
		l.fail(v.keyPos(), "unknown key %q %s; did you mean %q?", clip(v.name), where, near)
		return
	}
	l.fail(v.keyPos(), "unknown key %q %s; remove it, or see reference.toml for the keys there", clip(v.name), where)
}

// unique reports names that stand twice. at tells where the name of an item
// is written.
func (l *loading) unique(what string, items []item, names []string) {
	first := make(map[string]Pos, len(items))
	for i, name := range names {
		if name == "" {
			continue
		}
		at := items[i].at("name")
		if other, ok := first[name]; ok {
			l.fail(at, "%q is the name of another %s, at %s; give each its own", name, what, other)
			continue
		}
		first[name] = at
	}
}
