package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
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

// need asks until there is an answer, and a good one.
func (q *questions) need(question string, with func(answer string) beginning) (answer string) {
	for answer == "" && q.err == nil {
		answer = q.any(question, with)
	}
	return answer
}

// any asks until the answer is empty or good.
func (q *questions) any(question string, with func(answer string) beginning) string {
	return q.good(question, "", with)
}

// good asks until the answer, or what stands for an empty one, is such that the configuration with it would be taken.
func (q *questions) good(question, otherwise string, with func(answer string) beginning) string {
	for {
		answer := q.ask(question, otherwise)
		if answer == "" {
			return ""
		}
		wrong := with(answer).wrong()
		if wrong == nil {
			return answer
		}
		fmt.Fprintln(q.to, wrong)
	}
}

// wrong says what a configuration would be refused for. What is not known yet is no error.
func (b beginning) wrong() error {
	if b.ASN == "" { // one of our own AS needs no relationship, and may be
		b.Peers = slices.DeleteFunc(slices.Clone(b.Peers), func(p firstPeer) bool { return p.Relationship == "" })
	}
	b.ASN, b.RouterID = cmp.Or(b.ASN, "64512"), cmp.Or(b.RouterID, "192.0.2.10")
	text, err := b.text()
	if err != nil {
		return err
	}
	_, problems, err := tryOut(text)
	return cmp.Or(err, errorsIn(problems))
}

// ask asks for what no flag has told. What is wrong is told at once, and asked again.
func (b *beginning) ask(q *questions) error {
	if b.ASN == "" {
		b.ASN = q.need("Our ASN", func(answer string) beginning { return beginning{ASN: answer} })
	}
	if b.RouterID == "" {
		b.RouterID = q.need("Our BGP identifier, an IPv4 address of this host", func(answer string) beginning { return beginning{RouterID: answer} })
	}
	if len(b.Peers) == 0 {
		b.askPeers(q)
	}
	if len(b.Prefixes) == 0 {
		b.askPrefixes(q)
	}
	if len(b.POPs) == 0 {
		b.askPOPs(q)
	}
	if b.Webhook == "" {
		b.Webhook = q.any("URL to which notices go (empty: the log alone)", func(answer string) beginning { return beginning{Webhook: answer} })
	}
	return q.err
}

func (b *beginning) askPeers(q *questions) {
	question := "Edge router: its address"
	for ask := q.need; ; ask = q.any {
		name := fmt.Sprintf("edge%d", len(b.Peers)+1)
		address := ask(question, func(answer string) beginning { return b.withPeer(firstPeer{name, answer, "4199999999", "provider"}) })
		if address == "" {
			return
		}
		asn := q.need("  its ASN", func(answer string) beginning { return b.withPeer(firstPeer{name, address, answer, "provider"}) })
		p := firstPeer{Name: name, Address: address, ASN: asn}
		if !b.ours(asn) {
			p.Relationship = q.good("  what it is to us: provider, peer, customer, route-server, rs-client or collector", "provider",
				func(answer string) beginning { return b.withPeer(firstPeer{name, address, asn, answer}) })
		}
		b.Peers = append(b.Peers, p)
		question = "Another edge router (empty: no more)"
	}
}

func (b *beginning) ours(asn string) bool { return number32(asn) == number32(b.ASN) }

// withPeer is b with one peer more; one of our own AS needs no relationship.
func (b *beginning) withPeer(p firstPeer) beginning {
	if b.ours(p.ASN) {
		p.Relationship = ""
	}
	with := *b
	with.Peers = append(slices.Clip(b.Peers), p)
	return with
}

func (b *beginning) askPrefixes(q *questions) {
	question := "Prefix to watch"
	with := func(p firstPrefix) beginning {
		with := *b
		with.Prefixes = append(slices.Clip(b.Prefixes), p)
		return with
	}
	for ask := q.need; ; ask = q.any {
		prefix := ask(question, func(answer string) beginning { return with(firstPrefix{answer, []string{b.ASN}}) })
		if prefix == "" {
			return
		}
		origins := q.good("  the ASNs that may originate it", b.ASN, func(answer string) beginning { return with(firstPrefix{prefix, listed(answer)}) })
		b.Prefixes = append(b.Prefixes, firstPrefix{prefix, listed(origins)})
		question = "Another prefix (empty: no more)"
	}
}

func listed(answer string) []string {
	return strings.FieldsFunc(answer, func(r rune) bool { return r == ',' || r == ' ' })
}

func (b *beginning) askPOPs(q *questions) {
	question := "POP to probe: its address (empty: none)"
	for {
		p := firstPOP{Name: fmt.Sprintf("pop%d", len(b.POPs)+1)}
		p.Address = q.any(question, func(answer string) beginning {
			with := *b
			with.POPs = append(slices.Clip(b.POPs), firstPOP{Name: p.Name, Address: answer})
			return with
		})
		if p.Address == "" {
			return
		}
		b.POPs = append(b.POPs, p)
		question = "Another POP (empty: no more)"
	}
}
