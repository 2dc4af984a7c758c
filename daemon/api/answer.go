package api

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// answer gives what a page shows as JSON.
type answer func(*http.Request) (any, error)

// refusal is an error of whoever asks; any other is ours.
type refusal struct {
	code int
	text string
}

func (r refusal) Error() string { return r.text }

// Refuse is an error of whoever asks, told to them.
func Refuse(text string) error { return refusal{http.StatusBadRequest, text} }

// Missing is that there is nothing of the kind and name that was asked for; known are those that there are.
func Missing(kind, name string, known []string) error {
	const few = 20
	slices.Sort(known)
	if n := len(known); n > few {
		known = append(known[:few:few], fmt.Sprintf("and %d more", n-few))
	}
	return refusal{http.StatusNotFound, fmt.Sprintf("no %s is called %s; known: %s", kind, quote(name), cmp.Or(strings.Join(known, ", "), "none"))}
}

// failure is what is told instead of an answer.
type failure struct {
	Error string `json:"error"`
}

func (a answer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v, err := a(r)
	if err == nil {
		write(w, http.StatusOK, v)
		return
	}
	refuse(w, err)
}

func refuse(w http.ResponseWriter, err error) {
	refused := refusal{code: http.StatusServiceUnavailable}
	errors.As(err, &refused)
	write(w, refused.code, failure{err.Error()})
}

func head(w http.ResponseWriter, code int) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
}

func write(w http.ResponseWriter, code int, v any) {
	head(w, code)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the reader is gone: nobody is left to tell
}

func noSuchPage(r *http.Request) (any, error) {
	return nil, refusal{http.StatusNotFound, "there is no page " + quote(r.URL.Path)}
}
