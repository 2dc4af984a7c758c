package rpki

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
)

// maxSLURM bounds a SLURM file; it is written by hand.
const maxSLURM = 16 << 20

// SLURM holds local exceptions: filters take validated data away, assertions add to what is left (RFC 8416, and for
// ASPAs draft-ietf-sidrops-aspa-slurm-04, file version 2). It is immutable; nil changes nothing.
type SLURM struct {
	prefixFilters []prefixFilter
	vrps          []VRP
	customers     []uint32 // whose ASPAs are filtered, ascending
	aspas         []ASPA
	Notes         []string // what the file holds and this package has no use for
}

type prefixFilter struct {
	prefix netip.Prefix // invalid: any
	asn    *asNumber    // nil: any
}

// The members of a SLURM file. What is not here is an error (RFC 8416 section 3.2).
type slurmFile struct {
	Version int `json:"slurmVersion"`
	Filters struct {
		Prefix []slurmPrefix     `json:"prefixFilters"`
		BGPsec []json.RawMessage `json:"bgpsecFilters"`
		ASPA   []slurmASPA       `json:"aspaFilters"`
	} `json:"validationOutputFilters"`
	Assertions struct {
		Prefix []slurmPrefix     `json:"prefixAssertions"`
		BGPsec []json.RawMessage `json:"bgpsecAssertions"`
		ASPA   []slurmASPA       `json:"aspaAssertions"`
	} `json:"locallyAddedAssertions"`
}

type slurmPrefix struct {
	Prefix    string    `json:"prefix"`
	ASN       *asNumber `json:"asn"`
	MaxLength *int      `json:"maxPrefixLength"`
	Comment   string    `json:"comment"`
}

type slurmASPA struct {
	Customer  *asNumber  `json:"customerAsn"`
	Providers []asNumber `json:"providerAsns"`
	Comment   string     `json:"comment"`
}

// DecodeSLURM reads a SLURM file as ParseSLURM does.
func DecodeSLURM(r io.Reader) (*SLURM, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxSLURM+1))
	if err != nil {
		return nil, fmt.Errorf("slurm: %w", err)
	}
	return ParseSLURM(text)
}

// ParseSLURM reads a SLURM file. Any deviation from the format refuses the whole file, as RFC 8416 section 3.2 demands.
func ParseSLURM(text []byte) (*SLURM, error) {
	if len(text) > maxSLURM {
		return nil, fmt.Errorf("slurm: the file has %d bytes, more than %d", len(text), maxSLURM)
	}
	var f slurmFile
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&f); err != nil {
		return nil, fmt.Errorf("slurm: at byte %d: %w", d.InputOffset(), err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("slurm: at byte %d: more text after the file's one object", d.InputOffset())
	}
	if f.Version != 1 && f.Version != 2 {
		return nil, fmt.Errorf("slurm: slurmVersion must be 1 or 2, not %d", f.Version)
	}
	s := &SLURM{}
	if err := errors.Join(s.readFilters(&f), s.readAssertions(&f)); err != nil {
		return nil, err
	}
	if n, m := len(f.Filters.BGPsec), len(f.Assertions.BGPsec); n+m > 0 {
		s.Notes = append(s.Notes, fmt.Sprintf("%d BGPsec filters and %d BGPsec assertions are ignored: router keys are not used", n, m))
	}
	return s, nil
}

func (s *SLURM) readFilters(f *slurmFile) error {
	for i, p := range f.Filters.Prefix {
		filter, err := p.filter()
		if err != nil {
			return fmt.Errorf("slurm: prefixFilters[%d]: %w", i, err)
		}
		s.prefixFilters = append(s.prefixFilters, filter)
	}
	for i, a := range f.Filters.ASPA {
		if a.Customer == nil || a.Providers != nil || f.Version < 2 {
			return fmt.Errorf("slurm: aspaFilters[%d]: needs slurmVersion 2 and customerAsn alone", i)
		}
		s.customers = append(s.customers, uint32(*a.Customer))
	}
	slices.Sort(s.customers)
	return nil
}

func (s *SLURM) readAssertions(f *slurmFile) error {
	for i, p := range f.Assertions.Prefix {
		v, err := p.assertion()
		if err != nil {
			return fmt.Errorf("slurm: prefixAssertions[%d]: %w", i, err)
		}
		s.vrps = append(s.vrps, v)
	}
	for i, a := range f.Assertions.ASPA {
		if a.Customer == nil || *a.Customer == 0 || len(a.Providers) == 0 || f.Version < 2 {
			return fmt.Errorf("slurm: aspaAssertions[%d]: needs slurmVersion 2, customerAsn and at least one of providerAsns", i)
		}
		s.aspas = append(s.aspas, ASPA{uint32(*a.Customer), providerSet(asNumbers(a.Providers))})
	}
	return nil
}

func (p slurmPrefix) filter() (f prefixFilter, err error) {
	if p.MaxLength != nil {
		return f, errors.New("a filter has no maxPrefixLength")
	}
	if p.Prefix == "" && p.ASN == nil {
		return f, errors.New("needs prefix, asn, or both")
	}
	if p.Prefix != "" {
		if f.prefix, err = netip.ParsePrefix(p.Prefix); err != nil {
			return f, err
		}
		err = VRP{Prefix: f.prefix, MaxLength: uint8(f.prefix.Bits())}.check()
	}
	f.asn = p.ASN
	return f, err
}

func (p slurmPrefix) assertion() (VRP, error) {
	if p.ASN == nil {
		return VRP{}, errors.New("needs asn")
	}
	return newVRP(p.Prefix, p.MaxLength, *p.ASN)
}

// newVRP checks what a file says of a VRP; without a maximum length it is the prefix's own.
func newVRP(text string, maxLength *int, asn asNumber) (VRP, error) {
	prefix, err := netip.ParsePrefix(text)
	if err != nil {
		return VRP{}, err
	}
	length := prefix.Bits()
	if maxLength != nil {
		length = *maxLength
	}
	if length < 0 || length > 128 {
		return VRP{}, fmt.Errorf("the maximum length %d of %s is none", length, prefix)
	}
	v := VRP{Prefix: prefix, MaxLength: uint8(length), ASN: uint32(asn)}
	return v, v.check()
}

// VRPs applies the filters, then the assertions (RFC 8416 section 4). It leaves in as it is.
func (s *SLURM) VRPs(in []VRP) []VRP {
	if s == nil || len(s.prefixFilters)+len(s.vrps) == 0 {
		return in
	}
	out := make([]VRP, 0, len(in)+len(s.vrps))
	for _, v := range in {
		if !slices.ContainsFunc(s.prefixFilters, func(f prefixFilter) bool { return f.matches(v) }) {
			out = append(out, v)
		}
	}
	return append(out, s.vrps...)
}

// matches says whether the filter takes v away: what it names must fit, and a VRP's prefix lie within its own.
func (f prefixFilter) matches(v VRP) bool {
	if f.asn != nil && uint32(*f.asn) != v.ASN {
		return false
	}
	return !f.prefix.IsValid() || f.prefix.Bits() <= v.Prefix.Bits() && f.prefix.Contains(v.Prefix.Addr())
}

// ASPAs applies the filters, then the assertions: an asserted provider is added to what the customer attests itself, so
// filter the customer to replace its set. It leaves in as it is.
func (s *SLURM) ASPAs(in []ASPA) []ASPA {
	if s == nil || len(s.customers)+len(s.aspas) == 0 {
		return in
	}
	out := make([]ASPA, 0, len(in)+len(s.aspas))
	for _, a := range in {
		if _, found := slices.BinarySearch(s.customers, a.Customer); !found {
			out = append(out, a)
		}
	}
	return append(out, s.aspas...)
}
