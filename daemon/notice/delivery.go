package notice

import "time"

// Delivery is one notice on its way to one channel: a row of the outbox.
type Delivery struct {
	Seq      int64  // given by the store in the order of submission; deliveries of one incident go in this order
	ID       string // Notice.Delivery
	Channel  string
	Incident string
	Body     []byte // Notice.Body
	Created  time.Time

	State    DeliveryState
	Attempts int       // how many were made
	NextAt   time.Time // when the next attempt is due; zero: at once
	Error    string    // why the last attempt failed; never a secret
}

// DeliveryState says what became of a delivery.
type DeliveryState uint8

// A delivery is Pending until it is Delivered, or Dead: given up, and kept among the dead letters.
const (
	Pending DeliveryState = iota
	Dead
	Delivered
)

var deliveryStateNames = [...]string{"pending", "dead", "delivered"}

func (s DeliveryState) String() string { return deliveryStateNames[s] }

// Told holds the channels that were told of an incident while it stood; true: the channel is owed its end as well.
type Told map[string]bool
