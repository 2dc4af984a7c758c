package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

const day = 24 * time.Hour

// ParseSpan reads what time.ParseDuration reads, and before it days and
// weeks: "90d", "1w", "1d12h". A day has 24 hours.
func ParseSpan(s string) (time.Duration, error) {
	var total time.Duration
	rest := s
	for _, unit := range []struct {
		letter string
		length time.Duration
	}{{"w", 7 * day}, {"d", day}} {
		number, after, found := strings.Cut(rest, unit.letter)
		if !found {
			continue
		}
		n, err := strconv.ParseUint(number, 10, 16)
		if err != nil || time.Duration(n) > (math.MaxInt64-total)/unit.length {
			return 0, fmt.Errorf("%q is no duration", s)
		}
		total, rest = total+time.Duration(n)*unit.length, after
	}
	if rest == "" && s != "" {
		return total, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || d < 0 || total > math.MaxInt64-d {
		return 0, fmt.Errorf("%q is no duration", s)
	}
	return total + d, nil
}

// formatSpan writes a duration as one writes it in the configuration: in the
// largest unit that divides it.
func formatSpan(d time.Duration) string {
	for _, unit := range []struct {
		length time.Duration
		letter string
	}{{day, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}, {time.Millisecond, "ms"}} {
		if d != 0 && d%unit.length == 0 {
			return strconv.FormatInt(int64(d/unit.length), 10) + unit.letter
		}
	}
	return d.String()
}

// parseSize reads a number of bytes with a decimal (kB, MB, GB, TB) or binary
// unit (KiB, MiB, GiB, TiB).
func parseSize(s string) (int64, error) {
	digits := strings.TrimRight(s, "BKMGTikb ")
	unit := strings.ToUpper(strings.TrimSpace(s[len(digits):]))
	factor, ok := map[string]int64{
		"B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
		"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40,
	}[unit]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 0 || n > math.MaxInt64/factor {
		return 0, fmt.Errorf("%q is no size", s)
	}
	return n * factor, nil
}
