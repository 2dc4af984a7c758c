package notice

// Group is what a notice tells of many incidents of one type and culprit, which are told as one.
type Group struct {
	Open     int      `json:"open"`     // that hold now
	Total    int      `json:"total"`    // that ever were in it
	Examples []string `json:"examples"` // prefixes, peers or POPs: the first of those that hold now, or, once it is over, that held last
}

// Audience is one way in which a channel may be concerned: what its filters are held against.
type Audience struct {
	Severity   Severity
	Connection string
	Labels     map[string]string
}

// Audiences gives every way in which a notice may concern a channel: one, unless it says otherwise.
func (n *Notice) Audiences() []Audience {
	if len(n.Audience) > 0 {
		return n.Audience
	}
	return []Audience{{n.Severity, n.Connection, n.Labels}}
}
