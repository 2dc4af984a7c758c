package detect_test

import (
	"fmt"
	"strings"
	"time"
)

// carrier walks the life of a site's covering route: the one to compare with, and another that carries the traffic.
func (o *oracle) carrier(site int) (carrier string, since time.Time) {
	base := "?"
	for _, m := range o.moments {
		v := m.sites[site]
		if !v.inSync || v.loading {
			continue
		}
		now := cover(v)
		switch {
		case base == "?" || kindOf(v.stands[exact]).legitimate:
			base, carrier = now, ""
		case v.stands[exact] != "" || now == "" || now == base:
			carrier = ""
		default:
			if carrier != now {
				carrier, since = now, m.at
			}
			if m.at.Sub(since) >= 24*time.Hour {
				base, carrier = now, ""
			}
		}
	}
	return carrier, since
}

// cover names the covering route of a site by prefix and origin.
func cover(v view) string {
	for _, p := range []string{"203.0.112.0/23", "203.0.112.0/22"} {
		if path := v.stands[p]; path != "" {
			words := strings.Fields(kindOf(path).bare)
			return p + " " + words[len(words)-1]
		}
	}
	return ""
}

func (o *oracle) covering() []string {
	type found struct {
		bad   []string
		since time.Time
	}
	all := map[string]*found{}
	for s, v := range o.moments[len(o.moments)-1].sites {
		now, since := o.carrier(s)
		if now == "" || now != cover(v) || v.stands[exact] != "" || !v.inSync {
			continue
		}
		prefix, _, _ := strings.Cut(now, " ")
		k := kindOf(v.stands[prefix])
		if !k.wrong || k.covers {
			continue
		}
		key := prefix + " " + fmt.Sprint(k.culprit)
		if all[key] == nil {
			all[key] = &found{}
		}
		all[key].bad = append(all[key].bad, v.name)
		all[key].since = earliest(all[key].since, since)
	}
	var out []string
	for key, f := range all {
		var prefix string
		var culprit uint32
		fmt.Sscan(key, &prefix, &culprit)
		out = append(out, o.line("covering_change", "error", prefix, culprit, f.bad, f.since, nil))
	}
	return out
}
