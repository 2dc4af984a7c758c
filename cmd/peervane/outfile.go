package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// outFile is where a recording goes. A file takes the place of an older one with the first that is written to it; what is no plain file, such as a
// pipe, is written to as it is.
type outFile struct {
	*os.File
	name  string
	there bool // under its name
	plain bool
}

// writingTo opens a file, - for stdout.
func writingTo(e *env, name string, write func(io.Writer) error) error {
	if name == "-" {
		return write(e.stdout)
	}
	f, err := openOut(name)
	if err != nil {
		return fmt.Errorf("write the recording: %w", err)
	}
	return errors.Join(write(f), f.Close())
}

func openOut(name string) (*outFile, error) {
	target, plain, err := targetOf(name)
	if err != nil {
		return nil, err
	}
	var f *os.File
	if plain {
		f, err = os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+"-*") // readable by its owner alone
	} else {
		f, err = os.OpenFile(target, os.O_WRONLY, 0)
	}
	if err != nil {
		return nil, err
	}
	return &outFile{File: f, name: target, there: !plain, plain: plain}, nil
}

// targetOf follows links to the file that is to be written, which may be there already; plain says that another may take its place.
func targetOf(name string) (target string, plain bool, err error) {
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		if link, err := os.Readlink(name); err == nil {
			return "", false, fmt.Errorf("%s is a link to %s, which is not there: make that file, or give its name", name, link)
		}
		return name, true, nil
	}
	switch {
	case err != nil:
		return "", false, err
	case info.IsDir():
		return "", false, fmt.Errorf("%s is a directory: give the name of a file in it", name)
	case !info.Mode().IsRegular():
		return name, false, nil
	}
	target, err = filepath.EvalSymlinks(name)
	return target, true, err
}

func (f *outFile) Write(b []byte) (int, error) {
	if !f.there && len(b) > 0 {
		if err := os.Rename(f.File.Name(), f.name); err != nil {
			return 0, fmt.Errorf("write the recording: %w", err)
		}
		f.there = true
	}
	n, err := f.File.Write(b)
	if err != nil {
		err = fmt.Errorf("write the recording: %w", err)
	}
	return n, err
}

func (f *outFile) Close() error {
	if !f.there {
		return errors.Join(f.File.Close(), os.Remove(f.File.Name()))
	}
	var err error
	if f.plain {
		err = f.Sync() // others have no disk
	}
	if err = errors.Join(err, f.File.Close()); err != nil {
		return fmt.Errorf("write the recording: %w", err)
	}
	return nil
}
