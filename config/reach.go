package config

// Reach reads how the daemon is talked to that runs with the configuration at
// path: of [daemon] http and state_dir, and nothing else. While somebody works
// at the file the daemon runs on with what was in it before, and all else in it
// may be wrong. It returns why, where these two cannot be known.
func Reach(path string) (Daemon, []Problem) {
	l := &loading{fs: Host()}
	main, ok := l.document(path)
	if ok {
		l.collect(main, true)
		l.includes(main)
	}
	table, stands := l.tables.one["daemon"]
	if !stands && l.incomplete {
		return Daemon{}, l.all(l.files) // it may be in what could not be read
	}
	own := &loading{fs: l.fs, Loader: Loader{Recording: true}} // whose problems are those of the two
	d := daemonSchema.builtin()
	for _, name := range []string{"http", "state_dir"} {
		if v, ok := table.get(name); ok {
			daemonSchema.apply(own, &d, v)
		}
	}
	return d, own.all(l.files)
}
