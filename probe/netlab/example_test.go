package netlab_test

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"peervane/probe/netlab"
)

// A program that is itself a host, and a second host, 12 ms away.
func Example() {
	if !netlab.Inside() {
		code, err := netlab.Reexec(os.Args[1:])
		if errors.Is(err, netlab.ErrUnavailable) {
			fmt.Fprintln(os.Stderr, err) // and do without
		}
		os.Exit(code)
	}
	lab, err := build()
	if err != nil {
		netlab.Decline(err)
		os.Exit(1)
	}
	defer lab.Close()
	// Whatever is dialled from here to 192.0.2.2 takes 12 ms there and back.
}

func build() (*netlab.Lab, error) {
	lab, err := netlab.New()
	if err != nil {
		return nil, err
	}
	edge, err1 := lab.Self("edge")
	pop, err2 := lab.Host("par1")
	if err := errors.Join(err1, err2); err != nil {
		return nil, errors.Join(err, lab.Close())
	}
	link, err := lab.Link(edge, netip.MustParsePrefix("192.0.2.1/30"), pop, netip.MustParsePrefix("192.0.2.2/30"))
	if err == nil {
		err = link.Set(netlab.Both, netlab.Impairment{Delay: 6 * time.Millisecond})
	}
	if err != nil {
		return nil, errors.Join(err, lab.Close())
	}
	return lab, nil
}
