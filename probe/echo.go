package probe

import (
	"errors"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
)

// cookieLen is the length of the random payload that proves an answer ours.
const cookieLen = 16

// echo is an ICMP echo, request or reply, of either family.
type echo struct {
	reply  bool
	id     uint16
	seq    uint16
	cookie []byte // what is there of it: the quote in an ICMP error may be short
}

var errNoEcho = errors.New("not an icmp echo")

// encode gives the bytes of an echo request. The checksum of ICMPv6 covers
// addresses that only the kernel knows, and the kernel fills it in (RFC 3542
// section 3.1).
func (e echo) encode(buffer gopacket.SerializeBuffer, v6 bool) ([]byte, error) {
	var err error
	if v6 {
		err = gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{},
			&layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(layers.ICMPv6TypeEchoRequest, 0)},
			&layers.ICMPv6Echo{Identifier: e.id, SeqNumber: e.seq},
			gopacket.Payload(e.cookie))
	} else {
		err = gopacket.SerializeLayers(buffer, gopacket.SerializeOptions{ComputeChecksums: true},
			&layers.ICMPv4{TypeCode: layers.CreateICMPv4TypeCode(layers.ICMPv4TypeEchoRequest, 0), Id: e.id, Seq: e.seq},
			gopacket.Payload(e.cookie))
	}
	return buffer.Bytes(), err
}

// decodeEcho4 reads an ICMP message.
func decodeEcho4(b []byte) (echo, error) {
	var icmp layers.ICMPv4
	if err := icmp.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
		return echo{}, err
	}
	kind := icmp.TypeCode.Type()
	if kind != layers.ICMPv4TypeEchoReply && kind != layers.ICMPv4TypeEchoRequest {
		return echo{}, errNoEcho
	}
	return echo{reply: kind == layers.ICMPv4TypeEchoReply, id: icmp.Id, seq: icmp.Seq, cookie: icmp.Payload}, nil
}

// decodeEcho6 reads an ICMPv6 message.
func decodeEcho6(b []byte) (echo, error) {
	var icmp layers.ICMPv6
	if err := icmp.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
		return echo{}, err
	}
	kind := icmp.TypeCode.Type()
	if kind != layers.ICMPv6TypeEchoReply && kind != layers.ICMPv6TypeEchoRequest {
		return echo{}, errNoEcho
	}
	var body layers.ICMPv6Echo
	if err := body.DecodeFromBytes(icmp.Payload, gopacket.NilDecodeFeedback); err != nil {
		return echo{}, err
	}
	const fixed = 4 // identifier and sequence number
	return echo{reply: kind == layers.ICMPv6TypeEchoReply, id: body.Identifier, seq: body.SeqNumber, cookie: icmp.Payload[fixed:]}, nil
}

// decodeRaw4 reads what a raw IPv4 socket hands out: the IP header comes first,
// and nobody has looked at the checksum of ICMP.
func decodeRaw4(b []byte) (echo, error) {
	var ip layers.IPv4
	if err := ip.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil {
		return echo{}, err
	}
	if ip.Protocol != layers.IPProtocolICMPv4 || checksum(ip.Payload) != 0 {
		return echo{}, errNoEcho
	}
	return decodeEcho4(ip.Payload)
}

// checksum is that of RFC 1071: 0 over a message that holds the right one.
func checksum(b []byte) uint16 {
	var sum uint32
	for i, octet := range b {
		if i%2 == 0 {
			sum += uint32(octet) << 8
		} else {
			sum += uint32(octet)
		}
	}
	for sum>>16 != 0 {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
