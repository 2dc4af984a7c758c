package config

import (
	"embed"
	"io/fs"
	"iter"
	"path"
	"strings"
)

// Every shape that a notice has: with and without a prefix, evidence, latency.
//
//go:embed sample/*.json
var samples embed.FS

// Samples yields bodies notice.v1 by what they are examples of. A template
// must make something of each.
func Samples() iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		names, _ := fs.Glob(samples, "sample/*.json") // the pattern is well formed
		for _, name := range names {
			body, err := samples.ReadFile(name)
			if err != nil {
				panic(err) // embedded files can be read
			}
			if !yield(strings.TrimSuffix(path.Base(name), ".json"), body) {
				return
			}
		}
	}
}
