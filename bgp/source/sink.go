package source

import "peervane/bgp"

// Sink takes Inputs. One for recordings blocks until it has room; an error from it ends the recording.
type Sink interface {
	Put(bgp.Input) error
}

// SinkFunc makes a function a Sink.
type SinkFunc func(bgp.Input) error

// Put calls f.
func (f SinkFunc) Put(in bgp.Input) error { return f(in) }
