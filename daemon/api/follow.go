package api

import (
	"net/http"
	"time"
)

// followPulse is how often a follower hears something, so that both sides notice when the other is gone.
const followPulse = 10 * time.Second

// follow streams every notice as it is told: a JSON object a line, the body with the keys "held" and "missed"; an empty line
// now and then is a sign of life.
func (s *Server) follow(w http.ResponseWriter, r *http.Request) {
	told, err := s.source.Follow(r.Context())
	if err != nil {
		write(w, http.StatusServiceUnavailable, failure{err.Error()})
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	w.Header().Set("Cache-Control", "no-store")
	line := func(text []byte) bool {
		to := http.NewResponseController(w)
		_ = to.SetWriteDeadline(time.Now().Add(writeTimeout)) // where there is none to be set, none is needed
		_, err := w.Write(append(text, '\n'))
		return err == nil && to.Flush() == nil
	}
	pulse := time.NewTicker(followPulse)
	defer pulse.Stop()
	for ok := line(nil); ok; {
		select {
		case <-r.Context().Done():
			return
		case <-pulse.C:
			ok = line(nil)
		case n := <-told:
			text, err := also(append([]byte(nil), n.Body...), struct {
				Held   string `json:"held"`
				Missed int    `json:"missed"`
			}{n.Held, n.Missed})
			ok = err == nil && line(text)
		}
	}
}
