package wire

import (
	"fmt"
	"slices"

	gobgp "github.com/osrg/gobgp/v3/pkg/packet/bgp"

	"peervane/bgp"
)

// This file is all of gobgp's codec that is used: it decodes single capabilities and encodes path attributes, behind a guard,
// and encodes capabilities. No message from outside reaches it whole, and no path attribute at all: it panics
// on some, and does not know RFC 8654, RFC 9072 and RFC 9234.

// decodeCapability decodes one capability whose length is known to be sound.
func decodeCapability(code uint8, value []byte) (c gobgp.ParameterCapabilityInterface, err error) {
	if !decodable(code) {
		return gobgp.NewCapUnknown(gobgp.BGPCapabilityCode(code), value), nil
	}
	err = guard(func() (err error) {
		c, err = gobgp.DecodeCapability(append([]byte{code, byte(len(value))}, value...))
		return err
	})
	return c, err
}

// guard turns a panic of the codec into an error.
func guard(call func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the codec gave up: %v", r)
		}
	}()
	return call()
}

// decodable lists what the codec is asked to decode; of anything else the value is kept as it is.
func decodable(code uint8) bool {
	return slices.Contains([]uint8{
		CapMultiprotocol, CapRouteRefresh, CapExtendedNextHop, CapGracefulRestart,
		CapFourOctetAS, CapAddPath, CapEnhancedRefresh,
	}, code)
}

// routeFamily is gobgp's name for a family.
func routeFamily(f bgp.Family) gobgp.RouteFamily {
	return gobgp.AfiSafiToRouteFamily(f.AFI(), safiUnicast)
}

// encode lays the capabilities out one after the other, asn being what the 4-octet one says.
func (c *Capabilities) encode(asn uint32) []byte {
	var list []gobgp.ParameterCapabilityInterface
	for _, f := range bgp.Families {
		if c.Families[f] {
			list = append(list, gobgp.NewCapMultiProtocol(routeFamily(f)))
		}
	}
	list = append(list, c.flags()...)
	if c.ExtendedNextHop {
		list = append(list, gobgp.NewCapExtendedNexthop([]*gobgp.CapExtendedNexthopTuple{
			gobgp.NewCapExtendedNexthopTuple(routeFamily(bgp.IPv4), bgp.IPv6.AFI()),
		}))
	}
	if c.Role != nil {
		list = append(list, unknownCap(CapRole, []byte{*c.Role}))
	}
	if c.GR != nil {
		list = append(list, c.GR.encode())
	}
	if c.AS4 {
		list = append(list, gobgp.NewCapFourOctetASNumber(asn))
	}
	if tuples := c.addPathTuples(); tuples != nil {
		list = append(list, gobgp.NewCapAddPath(tuples))
	}
	for _, k := range c.Unknown {
		list = append(list, unknownCap(k.Code, k.Value))
	}
	var out []byte
	for _, k := range list {
		b, _ := k.Serialize() // these kinds cannot fail
		out = append(out, b...)
	}
	return out
}

// flags are the capabilities without a value.
func (c *Capabilities) flags() []gobgp.ParameterCapabilityInterface {
	var list []gobgp.ParameterCapabilityInterface
	if c.RouteRefresh {
		list = append(list, gobgp.NewCapRouteRefresh())
	}
	if c.EnhancedRefresh {
		list = append(list, gobgp.NewCapEnhancedRouteRefresh())
	}
	if c.Extended {
		list = append(list, unknownCap(CapExtendedMessage, nil))
	}
	return list
}

func (c *Capabilities) addPathTuples() (tuples []*gobgp.CapAddPathTuple) {
	for _, f := range bgp.Families {
		if mode := c.AddPath[f]; mode != 0 {
			tuples = append(tuples, gobgp.NewCapAddPathTuple(routeFamily(f), gobgp.BGPAddPathMode(mode)))
		}
	}
	return tuples
}

func (g *GracefulRestart) encode() *gobgp.CapGracefulRestart {
	var tuples []*gobgp.CapGracefulRestartTuple
	for _, f := range bgp.Families {
		if g.Families[f].Listed {
			tuples = append(tuples, gobgp.NewCapGracefulRestartTuple(routeFamily(f), g.Families[f].Forwarding))
		}
	}
	return gobgp.NewCapGracefulRestart(g.Restarting, g.N, min(g.Time, 4095), tuples)
}

func unknownCap(code uint8, value []byte) gobgp.ParameterCapabilityInterface {
	return gobgp.NewCapUnknown(gobgp.BGPCapabilityCode(code), value)
}
