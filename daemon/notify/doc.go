// Package notify takes notices from the outbox to where they are told: which channels (Route), in what order and how
// often (Dispatcher), and by what means (one file for each kind of channel).
//
// A Notifier sends one prepared delivery once and says what came of it. All else lives once, above the kinds: the order
// of an incident's notices, retry with back-off and jitter, Retry-After, the pause of a channel that fails, dead
// letters, and channels that want no more.
//
// Each channel has one goroutine, which reads the outbox through a Journal and holds a bounded part of it in memory. The
// Dispatcher's Run starts them, ends them, and waits for them. A channel never waits for another, and nobody waits for a
// channel. The package never judges what is told, and logs no secret.
package notify
