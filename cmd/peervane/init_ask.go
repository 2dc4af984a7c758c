package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
)

// questions are asked on one side and answered, a line each, on the other.
type questions struct {
	answers *bufio.Scanner
	to      io.Writer
	err     error // why there is no answer; those that follow are not asked
}

func newQuestions(from io.Reader, to io.Writer) *questions {
	return &questions{answers: bufio.NewScanner(from), to: to}
}

// ask gives the answer, or what stands for an empty one.
func (q *questions) ask(question, otherwise string) string {
	if q.err != nil {
		return ""
	}
	if otherwise != "" {
		question += " [" + otherwise + "]"
	}
	if _, q.err = fmt.Fprint(q.to, question+": "); q.err != nil {
		return ""
	}
	if !q.answers.Scan() {
		q.err = cmp.Or(q.answers.Err(), errors.New("no answer: nothing was written"))
		return ""
	}
	return cmp.Or(strings.TrimSpace(q.answers.Text()), otherwise)
}

// need asks until there is an answer.
func (q *questions) need(question string) (answer string) {
	for answer == "" && q.err == nil {
		answer = q.ask(question, "")
	}
	return answer
}

// ask asks for what no flag has told.
func (b *beginning) ask(q *questions) error {
	if b.ASN == "" {
		b.ASN = q.need("Our ASN")
	}
	if b.RouterID == "" {
		b.RouterID = q.need("Our BGP identifier, an IPv4 address of this host")
	}
	if len(b.Peers) == 0 {
		b.askPeers(q)
	}
	if len(b.Prefixes) == 0 {
		b.askPrefixes(q)
	}
	if len(b.POPs) == 0 {
		for address := q.ask("POP to probe: its address (empty: none)", ""); address != ""; address = q.ask("Another POP (empty: no more)", "") {
			b.POPs = append(b.POPs, firstPOP{Name: fmt.Sprintf("pop%d", len(b.POPs)+1), Address: address})
		}
	}
	if b.Webhook == "" {
		b.Webhook = q.ask("URL to which notices go (empty: the log alone)", "")
	}
	return q.err
}

func (b *beginning) askPeers(q *questions) {
	for address := q.need("Edge router: its address"); address != ""; address = q.ask("Another edge router (empty: no more)", "") {
		p := firstPeer{Name: fmt.Sprintf("edge%d", len(b.Peers)+1), Address: address, ASN: q.need("  its ASN")}
		if p.ASN != b.ASN {
			p.Relationship = q.ask("  what it is to us: provider, peer, customer, route-server, rs-client or collector", "provider")
		}
		b.Peers = append(b.Peers, p)
	}
}

func (b *beginning) askPrefixes(q *questions) {
	for prefix := q.need("Prefix to watch"); prefix != ""; prefix = q.ask("Another prefix (empty: no more)", "") {
		origins := q.ask("  the ASNs that may originate it", b.ASN)
		b.Prefixes = append(b.Prefixes, firstPrefix{prefix, strings.FieldsFunc(origins, func(r rune) bool { return r == ',' || r == ' ' })})
	}
}
