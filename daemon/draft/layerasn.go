package draft

import (
	"cmp"
	"slices"

	"peervane/config"
)

// settleASNs does for [[asn]] what Settle does for [[prefix]].
func (d *Draft) settleASNs(l Layers) (changes []Change) {
	d.ASNs = slices.DeleteFunc(d.ASNs, func(a *ASN) bool { return watched(l.Manual, a.ASN) != nil })
	for _, a := range d.ASNs {
		now := watch(d.checked(a))
		before := watched(l.Before, a.ASN)
		if before == nil {
			changes = append(changes, Change{New, now})
		} else if was := watch(a.ASN, before.Upstreams, before.Downstreams); was != now {
			changes = append(changes, Change{Different, was + " -> " + now})
		}
	}
	asked := len(d.ASNs)
	for i := range l.Before.ASNs {
		old := &l.Before.ASNs[i]
		if !slices.ContainsFunc(d.ASNs[:asked], func(a *ASN) bool { return a.ASN == old.ASN }) {
			changes = append(changes, d.missingASN(old, l))
		}
	}
	slices.SortFunc(d.ASNs, func(a, b *ASN) int { return cmp.Compare(a.ASN, b.ASN) })
	return changes
}

// missingASN settles what was drafted before and was not asked for now.
func (d *Draft) missingASN(old *config.ASNWatch, l Layers) Change {
	text := watch(old.ASN, old.Upstreams, old.Downstreams)
	switch {
	case watched(l.Manual, old.ASN) != nil:
		return Change{Gone, text + ": registered by hand"}
	case l.Prune:
		return Change{Gone, text + ": not asked for now"}
	}
	d.ASNs = append(d.ASNs, &ASN{
		ASN: old.ASN, Upstreams: uncounted(old.Upstreams), Downstreams: uncounted(old.Downstreams), Gone: true,
	})
	return Change{Kept, text + ": not asked for now"}
}

func watched(cfg *config.Config, asn uint32) *config.ASNWatch {
	i := slices.IndexFunc(cfg.ASNs, func(w config.ASNWatch) bool { return w.ASN == asn })
	if i < 0 {
		return nil
	}
	return &cfg.ASNs[i]
}
