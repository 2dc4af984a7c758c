package draft

import (
	"bytes"
	"fmt"
)

// TOML writes the draft as a file to include. The lines of heading, which say what it was drafted from, become comments.
func (d *Draft) TOML(heading ...string) []byte {
	var b bytes.Buffer
	for _, line := range heading {
		fmt.Fprintf(&b, "# %s\n", line)
	}
	for _, a := range d.ASNs {
		d.writeASN(&b, a)
	}
	for _, e := range d.Prefixes {
		d.writePrefix(&b, e)
	}
	return seal(b.Bytes())
}

func (d *Draft) writeASN(b *bytes.Buffer, a *ASN) {
	fmt.Fprintf(b, "\n[[asn]]\nasn = %d", a.ASN)
	if a.Gone {
		b.WriteString(" # drafted before, and not asked for now")
	}
	b.WriteByte('\n')
	_, upstreams, downstreams := d.checked(a)
	writeNeighbours(b, "upstreams", a.Upstreams, upstreams != nil)
	writeNeighbours(b, "downstreams", a.Downstreams, downstreams != nil)
}

func (d *Draft) writePrefix(b *bytes.Buffer, e *Prefix) {
	fmt.Fprintf(b, "\n[[prefix]]\nprefix = %q # ", e.Prefix)
	if e.Gone {
		b.WriteString("drafted before, and not seen now\n")
	} else {
		fmt.Fprintf(b, "%d of %d %s\n", e.Vantages, d.Vantages, plural(d.Vantages, "vantage"))
	}
	fmt.Fprintf(b, "origins = %s", array(asnsOf(e.Origins)))
	if len(e.Origins) > 1 && !e.Gone {
		fmt.Fprintf(b, " # %s", countList(e.Origins))
	}
	b.WriteByte('\n')
	if len(e.Upstreams) > 0 {
		writeNeighbours(b, "upstreams", e.Upstreams, d.checkedUpstreams(e) != nil)
	}
	if len(e.Others) > 0 {
		fmt.Fprintf(b, "# not drafted: origin %s\n", countList(e.Others))
	}
	for i, in := range e.Inside {
		if i == many {
			fmt.Fprintf(b, "# ... and %d more inside of it\n", len(e.Inside)-many)
			break
		}
		fmt.Fprintf(b, "# inside it, not drafted: %s, origin %s\n", in.Prefix, countList(in.Origins))
	}
}

// writeNeighbours writes a list of neighbours, as a comment where it is not to be checked.
func writeNeighbours(b *bytes.Buffer, key string, counts []Count, checked bool) {
	if !checked {
		b.WriteByte('#')
	}
	fmt.Fprintf(b, "%s = %s", key, array(asnsOf(counts)))
	if len(counts) > 0 && counts[0].Vantages > 0 {
		fmt.Fprintf(b, " # %s", countList(counts))
	}
	b.WriteByte('\n')
}

// checkedUpstreams are the upstreams that are legitimate for a prefix, nil where any is.
func (d *Draft) checkedUpstreams(e *Prefix) []uint32 {
	if len(e.Upstreams) == 0 || !d.Strict && !e.Gone {
		return nil
	}
	return asnsOf(e.Upstreams)
}

// checked are an ASN and the neighbours that are legitimate, nil where that is not to be checked: who sees no upstream knows
// nothing of its neighbours. What was drafted before stays as it was.
func (d *Draft) checked(a *ASN) (asn uint32, upstreams, downstreams []uint32) {
	switch {
	case a.Gone:
		return a.ASN, asnsOf(a.Upstreams), asnsOf(a.Downstreams)
	case d.Strict && len(a.Upstreams) > 0:
		return a.ASN, asnsOf(a.Upstreams), append([]uint32{}, asnsOf(a.Downstreams)...)
	}
	return a.ASN, nil, nil
}
