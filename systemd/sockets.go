package systemd

import (
	"fmt"
	"net"

	"github.com/coreos/go-systemd/v22/activation"
)

// Listeners gives the stream sockets that the service manager passed (sd_listen_fds(3)), in their order.
func Listeners() ([]net.Listener, error) {
	passed, err := activation.Listeners()
	if err != nil {
		return nil, fmt.Errorf("take the sockets passed by systemd: %w", err)
	}
	var out []net.Listener
	for i, l := range passed {
		if l == nil {
			return nil, fmt.Errorf("socket %d passed by systemd is no stream socket: use ListenStream= in the socket unit", i)
		}
		out = append(out, l)
	}
	return out, nil
}
