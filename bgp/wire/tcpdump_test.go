package wire

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"peervane/bgp"
)

// TestAgreesWithTcpdump compares each message of the captures with tcpdump's decoding of it, fact by fact.
func TestAgreesWithTcpdump(t *testing.T) {
	compared := 0
	for _, path := range captures(t) {
		name := filepath.Base(path)
		out, err := os.ReadFile(strings.TrimSuffix(path, filepath.Ext(path)) + ".out")
		if err != nil || badCaptures[name] != OK {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var ours [][]string
			for _, m := range readCapture(t, path, slices.Contains(oldCaptures, name)) {
				ours = append(ours, facts(m))
			}
			theirs := tcpdumpFacts(string(out))
			if len(ours) == 0 {
				return // cut so that no message is whole
			}
			if len(ours) != len(theirs) {
				t.Fatalf("%d messages, tcpdump saw %d", len(ours), len(theirs))
			}
			for i := range ours {
				ours[i], theirs[i] = comparableFacts(ours[i], theirs[i])
				if !slices.Equal(ours[i], theirs[i]) {
					t.Errorf("message %d:\n  ours    %q\n  tcpdump %q", i, ours[i], theirs[i])
				}
				compared += len(ours[i])
			}
		})
	}
	if compared < 300 {
		t.Errorf("only %d facts were compared", compared)
	}
}

// comparableFacts sorts facts, and leaves out what tcpdump sees differently: it does not merge AS4_PATH, and calls any UPDATE
// without attributes an End-of-RIB.
func comparableFacts(ours, theirs []string) ([]string, []string) {
	unmerged := slices.ContainsFunc(theirs, func(s string) bool { return strings.HasPrefix(s, "path ") && strings.Contains(s, "23456") })
	leave := func(list []string) []string {
		withdraws := slices.ContainsFunc(list, func(s string) bool { return strings.HasPrefix(s, "- ") })
		list = slices.DeleteFunc(list, func(s string) bool {
			return unmerged && strings.HasPrefix(s, "path ") || withdraws && strings.HasPrefix(s, "end ")
		})
		slices.Sort(list)
		return list
	}
	return leave(ours), leave(theirs)
}

// facts tells what a message says, one fact a string, in words that tcpdumpFacts uses too.
func facts(m captured) (list []string) {
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	switch m.typ {
	case TypeOpen:
		o, err := ParseOpen(m.body)
		if err != nil {
			return []string{err.Error()}
		}
		return openFacts(o)
	case TypeUpdate:
		return updateFacts(m)
	case TypeNotification:
		n := ParseNotification(m.body)
		say("notification %d/%d", n.Code, n.Subcode)
		if inner, ok := n.HardReset(); ok && inner.Code != 0 {
			say("inner %d/%d", inner.Code, inner.Subcode)
		}
		if words, ok := n.communication(); ok && words != "" {
			say("says %s", words)
		}
	case TypeKeepalive:
		say("keepalive")
	case TypeRouteRefresh:
		f, _, subtype, _ := ParseRouteRefresh(m.body)
		say("refresh %v %d", f, subtype)
	}
	return list
}

func openFacts(o *Open) (list []string) {
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	say("open hold %d id %d.%d.%d.%d", o.HoldTime, o.RouterID[0], o.RouterID[1], o.RouterID[2], o.RouterID[3])
	for _, f := range bgp.Families {
		if o.Caps.Families[f] {
			say("mp %v", f)
		}
		if mode := o.Caps.AddPath[f]; mode != 0 {
			say("add-path %v %s", f, [...]string{"", "Receive", "Send", "Both"}[mode])
		}
		if gr := o.Caps.GR; gr != nil && gr.Families[f].Listed {
			say("restart %v %s", f, map[bool]string{true: "yes", false: "no"}[gr.Families[f].Forwarding])
		}
	}
	for name, on := range map[string]bool{
		"route refresh": o.Caps.RouteRefresh, "enhanced refresh": o.Caps.EnhancedRefresh, "extended": o.Caps.Extended,
	} {
		if on {
			say("%s", name)
		}
	}
	if o.Caps.AS4 {
		say("as4 %d", o.Caps.ASN4)
	}
	if o.Caps.Role != nil {
		say("role %d", *o.Caps.Role)
	}
	if gr := o.Caps.GR; gr != nil {
		flags := map[[2]bool]string{{true, true}: "R, N", {true, false}: "R", {false, true}: "N", {}: "none"}
		say("restart %s %d", flags[[2]bool{gr.Restarting, gr.N}], gr.Time)
	}
	return list
}

func updateFacts(m captured) (list []string) {
	say := func(format string, args ...any) { list = append(list, fmt.Sprintf(format, args...)) }
	var u Update
	v := m.params.Scan(m.body, &u)
	for n := range u.Withdrawn {
		say("- %s", n.Prefix)
	}
	if f, ok := u.EndOfRIB(); ok {
		say("end of %v", f)
	}
	for n := range u.Announced {
		say("+ %s", n.Prefix)
	}
	if v > AttributeDiscard {
		return append(list, "withdraw")
	}
	a := u.Attrs(bgp.IPv4)
	if u.keeps(attrOrigin) {
		say("origin %v", map[bgp.Origin]string{0: "IGP", 1: "EGP", 2: "Incomplete"}[a.Origin])
	}
	if u.keeps(attrASPath) {
		say("path %s", a.Path)
	}
	if a.HasMED {
		say("med %d", a.MED)
	}
	if a.HasLocalPref {
		say("pref %d", a.LocalPref)
	}
	if len(a.Communities) > 0 {
		say("communities %v", a.Communities)
	}
	if len(a.LargeCommunities) > 0 {
		say("large %v", a.LargeCommunities)
	}
	return list
}

// tcpdumpLines say what to make of a line of tcpdump.
var tcpdumpLines = []struct {
	line *regexp.Regexp
	fact string
}{
	{regexp.MustCompile(`Holdtime (\d+)s, ID (\S+)`), "open hold $1 id $2"},
	{regexp.MustCompile(`^\s+AFI (IPv[46]) \(\d\), SAFI Unicast \(1\)$`), "mp $1"},
	{regexp.MustCompile(`^\s+Route Refresh \(2\), length`), "route refresh"},
	{regexp.MustCompile(`Enhanced Route Refresh \(70\)`), "enhanced refresh"},
	{regexp.MustCompile(`BGP Extended Message \(6\)`), "extended"},
	{regexp.MustCompile(`4 Byte AS (\d+)`), "as4 $1"},
	{regexp.MustCompile(`Role name \S+ \((\d)\)`), "role $1"},
	{regexp.MustCompile(`Restart Flags: \[(.*)\], Restart Time (\d+)s`), "restart $1 $2"},
	{regexp.MustCompile(`AFI (IPv[46]) \(\d\), SAFI Unicast \(1\), Forwarding state preserved: (\w+)`), "restart $1 $2"},
	{regexp.MustCompile(`AFI (IPv[46]) \(\d\), SAFI Unicast \(1\), Send/Receive: (\w+)`), "add-path $1 $2"},
	{regexp.MustCompile(`AFI (IPv[46]) \(\d\), SAFI Unicast \(1\), Subtype .*\((\d)\)`), "refresh $1 $2"},
	{regexp.MustCompile(`Notification Message \(3\), length: \d+, [^(]+\((\d+)\),? subcode [^(]+\((\d+)\)`), "notification $1/$2"},
	{regexp.MustCompile(`subcode Hard Reset \(9\), [^(]+\((\d+)\),? subcode [^(]+\((\d+)\)`), "inner $1/$2"},
	{regexp.MustCompile(`Shutdown Communication \(length: \d+\): "(.*?)"`), "says $1"},
	{regexp.MustCompile(`Keepalive Message`), "keepalive"},
	{regexp.MustCompile(`^\t  Origin \(1\), .*: (\w+)$`), "origin $1"},
	{regexp.MustCompile(`^\t  AS Path \(2\), .*: empty$`), "path "},
	{regexp.MustCompile(`^\t  AS Path \(2\), .*: (\d.*) $`), "path $1"},
	{regexp.MustCompile(`^\t  Multi Exit Discriminator \(4\), .*: (\d+)$`), "med $1"},
	{regexp.MustCompile(`^\t  Local Preference \(5\), .*: (\d+)$`), "pref $1"},
	{regexp.MustCompile(`^\t  Community \(8\), .*: (\d.*)$`), "communities [$1]"},
	{regexp.MustCompile(`^\t    (\d+:\d+:\d+.*)$`), "large [$1]"},
}

var (
	tcpdumpMessage = regexp.MustCompile(`^\t\w[\w ]* Message \(\d\), length`)
	tcpdumpSection = regexp.MustCompile(`^\t  (Withdrawn routes:|Updated routes:|Multi-Protocol (?:Reach|Unreach) NLRI)`)
	tcpdumpPrefix  = regexp.MustCompile(`^\t {4,6}([0-9a-f.:]+/\d+)(\s|$)`)
)

// tcpdumpFacts reads the facts of each message from tcpdump's decoding.
func tcpdumpFacts(out string) (messages [][]string) {
	sign, unicast, family := "", true, "ipv4"
	for line := range strings.Lines(out) {
		line = strings.TrimRight(line, "\n")
		if tcpdumpMessage.MatchString(line) {
			messages = append(messages, nil)
			sign, unicast, family = "", true, "ipv4"
		}
		if len(messages) == 0 {
			continue
		}
		facts := &messages[len(messages)-1]
		if m := tcpdumpSection.FindStringSubmatch(line); m != nil {
			sign, unicast = "+", true
			if strings.HasPrefix(m[1], "Withdrawn") || strings.Contains(m[1], "Unreach") {
				sign = "-"
			}
		}
		if strings.HasPrefix(line, "\t    AFI: ") {
			unicast = strings.Contains(line, "SAFI: Unicast (1)")
			family = strings.ToLower(line[len("\t    AFI: "):][:4])
		}
		if m := tcpdumpPrefix.FindStringSubmatch(line); m != nil && unicast && sign != "" {
			*facts = append(*facts, sign+" "+m[1])
		}
		if strings.Contains(line, "End-of-Rib Marker") && unicast {
			*facts = append(*facts, "end of "+family)
		}
		*facts = append(*facts, lineFacts(line)...)
	}
	return messages
}

func lineFacts(line string) (facts []string) {
	for _, known := range tcpdumpLines {
		if m := known.line.FindStringSubmatchIndex(line); m != nil {
			fact := string(known.line.ExpandString(nil, known.fact, line, m))
			fact = strings.NewReplacer("IPv4", "ipv4", "IPv6", "ipv6").Replace(fact)
			if strings.HasPrefix(fact, "large") || strings.HasPrefix(fact, "communities") {
				fact = strings.ReplaceAll(fact, ",", "")
			}
			facts = append(facts, fact)
		}
	}
	return facts
}
