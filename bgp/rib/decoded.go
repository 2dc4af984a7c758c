package rib

import "peervane/bgp"

// decoded keeps the decoded forms of the few blocks of which somebody asked for it, by ID.
type decoded []*[decodedPage]*bgp.Attrs

const decodedPage = 32

func (d decoded) get(id ID) *bgp.Attrs {
	if i := int(id / decodedPage); i < len(d) && d[i] != nil {
		return d[i][id%decodedPage]
	}
	return nil
}

func (d *decoded) set(id ID, a *bgp.Attrs) {
	i := int(id / decodedPage)
	if i >= len(*d) {
		*d = append(*d, make(decoded, i+1-len(*d))...)
	}
	if (*d)[i] == nil {
		(*d)[i] = new([decodedPage]*bgp.Attrs)
	}
	(*d)[i][id%decodedPage] = a
}

func (d decoded) remove(id ID) {
	if i := int(id / decodedPage); i < len(d) && d[i] != nil {
		d[i][id%decodedPage] = nil
	}
}
