package config

import "io"

// slurmFile is the path of a SLURM file that can be used. "" is none.
func slurmFile(l *loading, v value) (string, bool) {
	name, ok := filePath(l, v)
	if !ok || name == "" {
		return name, ok
	}
	if err := l.examine(name, l.SLURM); err != nil {
		l.fail(v.pos(), "%s", unusable(v, name, err))
		return "", false
	}
	return name, true
}

// rpkiFile is the path of what a relying party writes. It may be missing, or
// half written: a daemon that waits for it is told nothing new.
func rpkiFile(l *loading, v value) (string, bool) {
	name, ok := filePath(l, v)
	if !ok || name == "" || l.RPKIFile == nil {
		return name, ok
	}
	if err := l.examine(name, l.RPKIFile); err != nil {
		l.warn(v.pos(), "%s; the daemon runs without its data until it can be read", unusable(v, name, err))
	}
	return name, true
}

// examine opens a file, and has its content judged.
func (l *loading) examine(name string, judge func(io.Reader) error) error {
	f, err := l.fs.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if judge == nil {
		return nil
	}
	return judge(f)
}
