package rpki

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// holding is what one cache has told us, as of one epoch. It is immutable; a holding that changed nothing shares its lists with the one before.
type holding struct {
	epoch     Epoch
	timing    timing
	confirmed time.Time // when End of Data came
	vrps      []VRP     // ascending
	aspas     []heldASPA
	united    []ASPA // the same without the families
}

func (h *holding) expires() time.Time { return h.confirmed.Add(h.timing.expire) }

type heldASPA struct {
	aspaKey
	providers []uint32
}

func (a heldASPA) compare(b heldASPA) int {
	return cmp.Or(cmp.Compare(a.customer, b.customer), cmp.Compare(a.family, b.family))
}

// unite makes one ASPA of a customer's two families (aspa-verification section 7.1).
func unite(held []heldASPA) []ASPA {
	out := make([]ASPA, len(held))
	for i, a := range held {
		out[i] = ASPA{a.customer, a.providers}
	}
	return uniteASPAs(out)
}

// transaction gathers the records between Cache Response and End of Data. Nothing of it takes effect before the end
// (8210bis section 11.3), and an error found there leaves no trace.
type transaction struct {
	base      *holding // what the changes apply to; nil for a full load
	version   uint8
	session   uint16
	vrps      []vrpChange
	aspas     []aspaChange
	providers int
}

type vrpChange struct {
	VRP
	announce bool
}

type aspaChange struct {
	heldASPA
	announce bool
}

// add takes one record, up to the bounds of a source.
func (t *transaction) add(p *pdu) *protocolError {
	switch p.kind {
	case ipv4Prefix, ipv6Prefix:
		t.vrps = append(t.vrps, vrpChange{p.vrp, p.announce})
	case aspaRecord:
		t.aspas = append(t.aspas, aspaChange{heldASPA{p.aspa, p.provider}, p.announce})
		t.providers += len(p.provider)
	}
	if len(t.vrps) > maxVRPs || len(t.aspas) > maxCustomers || t.providers > maxProviders {
		return tooMuch
	}
	return nil
}

// commit applies the changes at End of Data.
func (t *transaction) commit(end *pdu, now time.Time) (*holding, *protocolError) {
	base := t.base
	if base == nil {
		base = &holding{}
	}
	vrps, fault := t.commitVRPs(base.vrps)
	if fault != nil {
		return nil, fault
	}
	aspas, fault := t.commitASPAs(base.aspas)
	if fault != nil {
		return nil, fault
	}
	if len(vrps) > maxVRPs || len(aspas) > maxCustomers {
		return nil, tooMuch
	}
	united := base.united
	if len(t.aspas) > 0 {
		united = unite(aspas)
	}
	return &holding{Epoch{t.version, t.session, end.serial}, end.timing, now, vrps, aspas, united}, nil
}

// tooMuch answers a cache that sends more than a source may hold.
var tooMuch = &protocolError{code: internalError, text: "the cache sends more records than a source may hold"}

// commitVRPs merges the changes into the list that is held. Each record must be withdrawn only while it is there, and
// announced only while it is not (8210bis section 12, codes 6 and 7).
func (t *transaction) commitVRPs(held []VRP) ([]VRP, *protocolError) {
	if len(t.vrps) == 0 {
		return held, nil
	}
	slices.SortStableFunc(t.vrps, func(a, b vrpChange) int { return a.VRP.Compare(b.VRP) })
	out := make([]VRP, 0, len(held)+len(t.vrps))
	for i := 0; i < len(t.vrps); {
		record := t.vrps[i].VRP
		at, there := slices.BinarySearchFunc(held, record, VRP.Compare)
		out, held = append(out, held[:at]...), held[at:]
		if there {
			held = held[1:]
		}
		for ; i < len(t.vrps) && t.vrps[i].VRP == record; i++ {
			if t.vrps[i].announce == there {
				return nil, repeated(there, record)
			}
			there = !there
		}
		if there {
			out = append(out, record)
		}
	}
	return append(out, held...), nil
}

func repeated(announced bool, record fmt.Stringer) *protocolError {
	if announced {
		return &protocolError{code: duplicateAnnouncement, text: record.String() + " is announced a second time"}
	}
	return &protocolError{code: withdrawalOfUnknown, text: record.String() + " is withdrawn, but was never announced"}
}

// commitASPAs is the same for ASPAs, where an announcement replaces the whole provider set (8210bis section 5.12).
func (t *transaction) commitASPAs(held []heldASPA) ([]heldASPA, *protocolError) {
	if len(t.aspas) == 0 {
		return held, nil
	}
	slices.SortStableFunc(t.aspas, func(a, b aspaChange) int { return a.heldASPA.compare(b.heldASPA) })
	out := make([]heldASPA, 0, len(held)+len(t.aspas))
	for i := 0; i < len(t.aspas); {
		record := t.aspas[i].heldASPA
		at, there := slices.BinarySearchFunc(held, record, heldASPA.compare)
		out, held = append(out, held[:at]...), held[at:]
		if there {
			record, held = held[0], held[1:]
		}
		for ; i < len(t.aspas) && t.aspas[i].aspaKey == record.aspaKey; i++ {
			if !t.aspas[i].announce && !there {
				return nil, repeated(false, record)
			}
			record, there = t.aspas[i].heldASPA, t.aspas[i].announce
		}
		if there {
			out = append(out, record)
		}
	}
	return append(out, held...), nil
}

func (a heldASPA) String() string { return fmt.Sprintf("the ASPA of AS%d", a.customer) }
