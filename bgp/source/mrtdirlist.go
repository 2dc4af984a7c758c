package source

import (
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"go.uber.org/zap"
)

const (
	dirReach   = 24 * time.Hour // files that were written before, and records of before, are left alone
	maxDirWalk = 1_000_000      // entries of the folder and what is below it
	maxDirFile = 20_000         // files that are kept in mind, the youngest; all collectors of RIPE RIS write 7,300 a day
)

// dirEntry is a file that list found.
type dirEntry struct {
	path string
	info fs.FileInfo
}

var errCrowded = errors.New("more entries than are looked at")

// list looks at the folder and what is below it.
func (d *mrtDir) list(now time.Time) error {
	began := time.Now()
	found, err := d.walk(now)
	crowded := err == errCrowded
	if err != nil && !crowded {
		return err
	}
	if len(found) > d.most {
		crowded = true
		slices.SortFunc(found, func(a, b dirEntry) int { return b.info.ModTime().Compare(a.info.ModTime()) })
		found = found[:d.most]
	}
	if crowded && !d.crowded {
		d.log.Warn("the folder has more files than are kept in mind, the oldest are left out: move them away, or make several feeds of it",
			zap.Int("files", d.most), zap.Int("entries", maxDirWalk))
	}
	d.crowded = crowded
	seen := map[string]bool{}
	for _, e := range found {
		seen[e.path] = true
		d.note(e.path, e.info, now)
	}
	maps.DeleteFunc(d.files, func(path string, _ *dirFile) bool { return !seen[path] })
	d.walkTime = time.Since(began)
	return nil
}

// walk finds the files that are young enough. Their paths begin as configured, also where that is a symbolic link, which may lead
// elsewhere at the next look: the name may be that of the collector.
func (d *mrtDir) walk(now time.Time) (found []dirEntry, _ error) {
	root, err := filepath.EvalSymlinks(d.cfg.Path)
	if err != nil {
		return nil, err
	}
	entries := 0
	return found, filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if entries++; entries > maxDirWalk {
			return errCrowded
		}
		switch {
		case err != nil && path == root:
			return err
		case err != nil:
			return nil // it has gone meanwhile, or is not for us
		case strings.HasPrefix(e.Name(), ".") && path != root:
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		case !e.Type().IsRegular():
			return nil
		}
		if info, err := e.Info(); err == nil && now.Sub(info.ModTime()) < dirReach {
			found = append(found, dirEntry{d.cfg.Path + strings.TrimPrefix(path, root), info})
		}
		return nil
	})
}

// note takes in how a file looks.
func (d *mrtDir) note(path string, info fs.FileInfo, now time.Time) {
	f := d.files[path]
	if f == nil || info.Size() < f.size {
		f = &dirFile{path: path, collector: collectorOf(path)} // or another one, under the same name
		d.files[path] = f
	}
	was := f.stamp()
	f.size, f.mod = info.Size(), info.ModTime()
	changed := f.stamp() != was
	// At the first look, a file that was written a while ago is whole; a clock that was set back says nothing.
	f.still = !changed || was.size == 0 && now.Sub(f.mod) > d.cfg.Look
	if f.still {
		f.moving = time.Time{}
	} else if f.moving.IsZero() {
		f.moving = now
	}
}

// replaced takes a file for another one. What was known of it must not be taken to hold of that: its records were not read before
// those that came since, nor in their order.
func (d *mrtDir) replaced(f *dirFile) {
	if d.files[f.path] == f {
		d.files[f.path] = &dirFile{path: f.path, collector: f.collector, size: f.size, mod: f.mod, still: f.still, moving: f.moving}
	}
}
