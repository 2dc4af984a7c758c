package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"peervane/config"
	"peervane/daemon/draft"
)

// generatedFile is where a draft belongs, beside the configuration that includes it.
const generatedFile = "conf.d/generated.toml"

// layers reads what stands already: what people wrote, and what was drafted before.
func (e *env) layers(g *generation) (draft.Layers, error) {
	l := draft.Layers{Prune: g.prune}
	file := g.out
	if file == "" && g.config != "" {
		file = filepath.Join(filepath.Dir(g.config), generatedFile)
	}
	if g.config != "" {
		manual, err := e.loadWithout(g, file)
		if err != nil {
			return l, err
		}
		l.Manual, g.OurASN = manual, manual.Daemon.ASN
	}
	if _, err := os.Stat(file); file == "" || errors.Is(err, fs.ErrNotExist) {
		return l, nil
	}
	before, err := e.quietly(config.Loader{Recording: true}, file)
	l.Before = before
	return l, err
}

// loadWithout reads the configuration as it is without the drafted file: what was taken over from there by hand stands
// twice until the next draft leaves it out.
func (e *env) loadWithout(g *generation, drafted string) (*config.Config, error) {
	hidden, err := filepath.Abs(drafted)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", drafted, err)
	}
	files := &without{GlobFS: config.Host(), hidden: hidden}
	cfg, err := e.quietly(config.Loader{Files: files, Recording: true}, g.config)
	if err == nil && !files.matched {
		fmt.Fprintf(e.stderr, "peervane: %s does not include %s: add include = [\"conf.d/*.toml\"], or name it there\n", g.config, drafted)
	}
	return cfg, err
}

// quietly loads a configuration whose warnings are no concern here.
func (e *env) quietly(loader config.Loader, file string) (*config.Config, error) {
	cfg, problems := loader.Load(file)
	if !config.Refused(problems) {
		return cfg, nil
	}
	for _, p := range problems {
		fmt.Fprintln(e.stderr, p)
	}
	return nil, exit{code: exitConfig}
}

// without is a file system in which no glob finds one file.
type without struct {
	fs.GlobFS
	hidden  string // absolute
	matched bool   // a glob would have found it, or does when it is there
}

func (w *without) Glob(pattern string) ([]string, error) {
	names, err := w.GlobFS.Glob(pattern)
	var out []string
	for _, name := range names {
		if absolute, _ := filepath.Abs(name); absolute != w.hidden {
			out = append(out, name)
		}
	}
	if absolute, absErr := filepath.Abs(pattern); absErr == nil {
		found, _ := filepath.Match(absolute, w.hidden)
		w.matched = w.matched || found
	}
	return out, err
}

// writeDraft writes to stdout, or to a file that is as the last draft left it. The file is replaced as a whole.
func (e *env) writeDraft(g *generation, text []byte) error {
	if g.out == "" {
		_, err := e.stdout.Write(text)
		return err
	}
	old, err := os.ReadFile(g.out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err == nil && !draft.Untouched(old) {
		return fmt.Errorf("%s was not drafted, or was changed since: move it, or what was added, to another file, or give another one with -o", g.out)
	}
	return replaceFile(g.out, text)
}

// replaceFile puts a file in place at once, with the mode of the one that it replaces.
func replaceFile(name string, text []byte) error {
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	f, err := os.CreateTemp(filepath.Dir(name), ".draft-*")
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	err = errors.Join(err, f.Chmod(mode), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
