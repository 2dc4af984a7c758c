package config

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Host is the file system of this machine. Unlike other file systems of
// package io/fs it takes absolute paths, and paths relative to the working
// folder.
func Host() fs.GlobFS { return host{} }

type host struct{}

func (host) Open(name string) (fs.File, error)     { return os.Open(name) }
func (host) Glob(pattern string) ([]string, error) { return filepath.Glob(pattern) }
