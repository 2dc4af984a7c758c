package config

import (
	"fmt"
	"net/url"
)

const hidden = "hidden"

// Secret is a value that must not reach a log, an error or an API. Only
// Reveal gives it away; formatting and encoding print "hidden".
type Secret struct{ value string }

// NewSecret wraps a value; an empty one is no secret at all.
func NewSecret(value string) Secret { return Secret{value} }

// Reveal returns the value itself: for the socket option or the signature
// that needs it, and nothing else.
func (s Secret) Reveal() string { return s.value }

// IsZero says that there is none.
func (s Secret) IsZero() bool { return s.value == "" }

func (s Secret) String() string {
	if s.IsZero() {
		return ""
	}
	return hidden
}

// Format holds every verb, %#v and %x too, to what String says.
func (s Secret) Format(f fmt.State, _ rune) { fmt.Fprint(f, s.String()) }

// MarshalText serves JSON and every other encoder.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// URL is the address of a channel. One that came from url_file is a secret;
// of any other the password, if it has one, is hidden.
type URL struct {
	text   string
	secret bool
}

// NewURL wraps an address that stands in the configuration itself, or, where
// secret is set, in a url_file.
func NewURL(text string, secret bool) URL { return URL{text, secret} }

// Reveal returns the address to connect to.
func (u URL) Reveal() string { return u.text }

// IsZero says that there is none.
func (u URL) IsZero() bool { return u.text == "" }

func (u URL) String() string {
	if u.secret {
		return hidden
	}
	parsed, err := url.Parse(u.text)
	if err != nil {
		return hidden
	}
	return parsed.Redacted()
}

// Format holds every verb to what String says.
func (u URL) Format(f fmt.State, _ rune) { fmt.Fprint(f, u.String()) }

// MarshalText serves JSON and every other encoder.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
