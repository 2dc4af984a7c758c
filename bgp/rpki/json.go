package rpki

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// What one source may hold, several times what the RPKI holds today: more is an error and never memory.
const (
	maxVRPs      = 4 << 20
	maxCustomers = 1 << 20
	maxProviders = 8 << 20
)

// Data is what one source holds.
type Data struct {
	VRPs  []VRP     // ascending, each once
	ASPAs []ASPA    // ascending, each customer once
	Built time.Time // when the relying party made it, if it says so
	// NextExpiry is when the first of these records expires; zero if none does. What had expired at the time of reading is left out.
	NextExpiry time.Time
}

// DecodeJSON reads the JSON export of rpki-client, routinator or stayrtr: roas, and aspas in their newer or older form.
// A bad record refuses the whole text, for a set with holes would call good routes invalid. Memory is bounded by the
// size of the text, which the caller bounds.
func DecodeJSON(r io.Reader, now time.Time) (*Data, error) {
	d := decoder{json: json.NewDecoder(r), now: now, data: &Data{}}
	if err := d.file(); err != nil {
		return nil, fmt.Errorf("rpki json: at byte %d: %w", d.json.InputOffset(), err)
	}
	d.data.VRPs = sortVRPs(d.data.VRPs)
	d.data.ASPAs = uniteASPAs(d.data.ASPAs)
	return d.data, nil
}

type decoder struct {
	json      *json.Decoder
	now       time.Time
	data      *Data
	providers int
	kinds     int // how many of the known lists were there
}

func (d *decoder) file() error {
	err := d.object(func(key string) error {
		switch key {
		case "metadata":
			return d.metadata()
		case "roas":
			d.kinds++
			return d.list(d.roa)
		case "aspas":
			d.kinds++
			return d.list(d.aspa)
		case "provider_authorizations": // the older form, a list for each address family
			d.kinds++
			return d.object(func(string) error { return d.list(d.aspa) })
		}
		return d.skip()
	})
	if err != nil {
		return err
	}
	if _, err := d.json.Token(); !errors.Is(err, io.EOF) {
		return errors.New("more text after the file's one object")
	}
	if d.kinds == 0 {
		return errors.New(`neither "roas" nor "aspas": is this the JSON export of a relying party?`)
	}
	return nil
}

// object reads one object and gives each key to member, which reads its value.
func (d *decoder) object(member func(key string) error) error {
	if err := d.expect('{'); err != nil {
		return err
	}
	for d.json.More() {
		key, err := d.json.Token()
		if err != nil {
			return eof(err)
		}
		if err := member(key.(string)); err != nil {
			return fmt.Errorf("%.40q: %w", key, err)
		}
	}
	return d.expect('}')
}

func (d *decoder) list(element func() error) error {
	if err := d.expect('['); err != nil {
		return err
	}
	for i := 0; d.json.More(); i++ {
		if err := element(); err != nil {
			return fmt.Errorf("record %d: %w", i, err)
		}
	}
	return d.expect(']')
}

func (d *decoder) expect(want json.Delim) error {
	switch got, err := d.json.Token(); {
	case err != nil:
		return eof(err)
	case got != want:
		return fmt.Errorf("%v stands where %v must", got, want)
	}
	return nil
}

// skip reads over a value of any depth without keeping it.
func (d *decoder) skip() error {
	for depth := 0; ; {
		token, err := d.json.Token()
		if err != nil {
			return eof(err)
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
		if depth == 0 {
			return nil
		}
	}
}

func eof(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// metadata reads when the file was made: rpki-client says buildtime, routinator generatedTime, others generated in seconds.
func (d *decoder) metadata() error {
	var m struct {
		BuildTime     string      `json:"buildtime"`
		GeneratedTime string      `json:"generatedTime"`
		Generated     json.Number `json:"generated"`
	}
	if err := d.json.Decode(&m); err != nil {
		return err
	}
	for _, text := range []string{m.BuildTime, m.GeneratedTime} {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			d.data.Built = at
		}
	}
	if seconds, err := m.Generated.Int64(); err == nil && d.data.Built.IsZero() && seconds > 0 {
		d.data.Built = time.Unix(seconds, 0)
	}
	return nil
}

func (d *decoder) roa() error {
	var r struct {
		Prefix    string    `json:"prefix"`
		MaxLength *int      `json:"maxLength"`
		ASN       *asNumber `json:"asn"`
		Expires   int64     `json:"expires"`
	}
	if err := d.json.Decode(&r); err != nil {
		return eof(err)
	}
	if r.ASN == nil {
		return errors.New(`needs "asn"`)
	}
	v, err := newVRP(r.Prefix, r.MaxLength, *r.ASN)
	if err != nil || !d.live(r.Expires) {
		return err
	}
	if len(d.data.VRPs) == maxVRPs {
		return fmt.Errorf("more than %d VRPs", maxVRPs)
	}
	d.data.VRPs = append(d.data.VRPs, v)
	return nil
}

func (d *decoder) aspa() error {
	var a struct {
		CustomerASID *asNumber  `json:"customer_asid"` // rpki-client, stayrtr
		Customer     *asNumber  `json:"customer"`      // routinator
		Providers    []asNumber `json:"providers"`
		Expires      int64      `json:"expires"`
	}
	if err := d.json.Decode(&a); err != nil {
		return eof(err)
	}
	if a.Customer == nil {
		a.Customer = a.CustomerASID
	}
	if a.Customer == nil || *a.Customer == 0 || a.Providers == nil {
		return errors.New(`needs "customer_asid" or "customer", and "providers"`)
	}
	if !d.live(a.Expires) {
		return nil
	}
	d.providers += len(a.Providers)
	if len(d.data.ASPAs) == maxCustomers || d.providers > maxProviders {
		return fmt.Errorf("more than %d ASPAs or %d providers", maxCustomers, maxProviders)
	}
	d.data.ASPAs = append(d.data.ASPAs, ASPA{uint32(*a.Customer), providerSet(asNumbers(a.Providers))})
	return nil
}

// live says whether a record has not expired, and remembers the first that will. 0 means that nothing is said.
func (d *decoder) live(expires int64) bool {
	if expires <= 0 {
		return true
	}
	at := time.Unix(expires, 0)
	if !at.After(d.now) {
		return false
	}
	if d.data.NextExpiry.IsZero() || at.Before(d.data.NextExpiry) {
		d.data.NextExpiry = at
	}
	return true
}
