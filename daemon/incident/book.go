package incident

import (
	"time"
)

// Options are what a book needs from outside.
type Options struct {
	Source   string                                                     // how this host is named in notices
	NewID    func(fingerprint string, at time.Time, ordinal int) string // ordinal counts the incidents that this book opened, from 1
	Severity map[string]string                                          // by type; replaces every variant; "off" = no incident
}

// Book holds every incident that is open, and every condition that waits for its hold. It is not safe for concurrent use.
type Book struct {
	opt Options
}

// NewBook makes an empty book.
func NewBook(opt Options) *Book { return &Book{opt: opt} }
