package rpki

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/gaissmai/bart"
)

// VRP is a validated ROA payload (RFC 6811 section 2): ASN may originate Prefix and its more-specifics down to MaxLength.
type VRP struct {
	Prefix    netip.Prefix // masked
	MaxLength uint8
	ASN       uint32 // 0: nobody may (RFC 6483 section 4)
}

func (v VRP) String() string { return fmt.Sprintf("%s-%d AS%d", v.Prefix, v.MaxLength, v.ASN) }

// Compare orders VRPs by prefix, maximum length and ASN.
func (v VRP) Compare(w VRP) int {
	return cmp.Or(v.Prefix.Compare(w.Prefix), cmp.Compare(v.MaxLength, w.MaxLength), cmp.Compare(v.ASN, w.ASN))
}

// check says what makes v no VRP.
func (v VRP) check() error {
	switch {
	case !v.Prefix.IsValid():
		return fmt.Errorf("no valid prefix")
	case v.Prefix != v.Prefix.Masked():
		return fmt.Errorf("%s has host bits set: write %s", v.Prefix, v.Prefix.Masked())
	case v.Prefix.Addr().Is4In6():
		return fmt.Errorf("%s is IPv4 written as IPv6", v.Prefix)
	case int(v.MaxLength) < v.Prefix.Bits() || int(v.MaxLength) > v.Prefix.Addr().BitLen():
		return fmt.Errorf("the maximum length %d of %s must lie between %d and %d", v.MaxLength, v.Prefix, v.Prefix.Bits(), v.Prefix.Addr().BitLen())
	}
	return nil
}

// ASPA names all providers of a customer AS. A list that is empty, or holds AS 0 alone, says that it has none.
type ASPA struct {
	Customer  uint32
	Providers []uint32 // ascending, each once
}

// Epoch is the state of an RTR cache: serials compare only within one version and session (8210bis section 5.1).
type Epoch struct {
	Version uint8
	Session uint16
	Serial  uint32
}

// Provenance says where one kind of data comes from, and how old it is.
type Provenance struct {
	Source  string    // a cache's URL or a file's path; empty while nothing is held
	Epoch   Epoch     // of a cache
	Fetched time.Time // when the source last confirmed it; while nothing was ever held, when waiting for it began
	Offered bool      // some source has had this kind of data since the start
}

// Stale says whether no data newer than after is there. Data that no source has ever offered is not missed.
func (p Provenance) Stale(now time.Time, after time.Duration) bool {
	return p.Offered && !now.Before(p.Fetched.Add(after))
}

// Set is the validated data at one time. It is immutable and may be read from any goroutine. The zero value knows
// nothing, so that all its verdicts are Unknown.
type Set struct {
	VRPs  Provenance
	ASPAs Provenance
	vrps  *vrpTable
	aspas *aspaTable
}

// NewSet makes a Set of both kinds. It takes the slices over, sorts them and leaves out duplicates; several ASPAs of
// one customer are united.
func NewSet(vrps []VRP, aspas []ASPA) *Set {
	return &Set{vrps: newVRPTable(vrps), aspas: newASPATable(aspas)}
}

// Size counts the VRPs and the customers that have an ASPA.
func (s *Set) Size() (vrps, customers int) {
	if s.vrps != nil {
		vrps = len(s.vrps.sorted)
	}
	if s.aspas != nil {
		customers = len(s.aspas.sorted)
	}
	return vrps, customers
}

// HasASPAs says whether any ASPA is known: without, no path is found to be a leak.
func (s *Set) HasASPAs() bool { return s.aspas != nil && len(s.aspas.sorted) > 0 }

// vrpTable finds the VRPs that cover a prefix: a trie from each prefix to its span of the sorted list.
type vrpTable struct {
	sorted []VRP
	index  bart.Table[span]
}

type span struct{ from, to uint32 }

func newVRPTable(vrps []VRP) *vrpTable {
	t := &vrpTable{sorted: sortVRPs(vrps)}
	for from := 0; from < len(t.sorted); {
		to := from + 1
		for to < len(t.sorted) && t.sorted[to].Prefix == t.sorted[from].Prefix {
			to++
		}
		t.index.Insert(t.sorted[from].Prefix, span{uint32(from), uint32(to)})
		from = to
	}
	return t
}

func sortVRPs(vrps []VRP) []VRP {
	if !slices.IsSortedFunc(vrps, VRP.Compare) {
		slices.SortFunc(vrps, VRP.Compare)
	}
	return slices.Compact(vrps)
}

type aspaTable struct {
	sorted    []ASPA
	providers map[uint32][]uint32
}

func newASPATable(aspas []ASPA) *aspaTable {
	t := &aspaTable{sorted: uniteASPAs(aspas), providers: make(map[uint32][]uint32, len(aspas))}
	for _, a := range t.sorted {
		t.providers[a.Customer] = a.Providers
	}
	return t
}

// uniteASPAs sorts by customer and unites the provider sets of each (aspa-verification section 5.3).
func uniteASPAs(aspas []ASPA) []ASPA {
	slices.SortStableFunc(aspas, func(a, b ASPA) int { return cmp.Compare(a.Customer, b.Customer) })
	out := aspas[:0]
	for _, a := range aspas {
		if n := len(out); n > 0 && out[n-1].Customer == a.Customer {
			out[n-1].Providers = providerSet(slices.Concat(out[n-1].Providers, a.Providers))
			continue
		}
		out = append(out, ASPA{a.Customer, providerSet(a.Providers)})
	}
	return out
}

// providerSet sorts, and leaves out duplicates and an AS 0 that stands beside providers (8210bis section 10).
func providerSet(asns []uint32) []uint32 {
	if !slices.IsSorted(asns) {
		asns = slices.Clone(asns)
		slices.Sort(asns)
	}
	if len(asns) > 1 && asns[0] == 0 && asns[len(asns)-1] != 0 {
		asns = slices.Clone(asns[slices.IndexFunc(asns, func(asn uint32) bool { return asn != 0 }):])
	}
	return slices.Compact(asns)
}
