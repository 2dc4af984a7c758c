package api

import (
	"bufio"
	"encoding/json"
	"net/http"
)

// stream writes a list that may be too long to be held whole.
type stream[T any] struct {
	w     http.ResponseWriter
	out   *bufio.Writer
	begun bool
}

// add writes some more of the list.
func (s *stream[T]) add(items []T) error {
	for i := range items {
		b, err := json.Marshal(&items[i])
		if err != nil {
			return err
		}
		if s.begun {
			s.out.WriteByte(',')
		}
		s.begin()
		if _, err := s.out.Write(b); err != nil {
			return err
		}
	}
	return nil
}

func (s *stream[T]) begin() {
	if s.begun {
		return
	}
	s.begun = true
	head(s.w, http.StatusOK)
	s.out = bufio.NewWriterSize(s.w, 64<<10)
	s.out.WriteByte('[')
}

// end finishes the list. What goes wrong on the way breaks the answer off, which the asker notices.
func (s *stream[T]) end(err error) {
	switch {
	case err == nil:
		s.begin()
		s.out.WriteString("]\n")
		_ = s.out.Flush() // the reader is gone: nobody is left to tell
	case !s.begun:
		refuse(s.w, err)
	default:
		panic(http.ErrAbortHandler)
	}
}
