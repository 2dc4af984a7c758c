package notify

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// retryAfter reads the Retry-After header (RFC 9110 section 10.2.3): delay-seconds, or an HTTP-date, which is compared
// with now. It is 0 for what cannot be read, and for a date that has passed.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if value == "" {
		return 0
	}
	if strings.Trim(value, "0123456789") == "" {
		seconds, err := strconv.ParseUint(value, 10, 31)
		if err != nil { // too long to be a number of seconds that anyone means
			return maxAsked
		}
		return max(time.Duration(seconds)*time.Second, time.Nanosecond) // 0 asks too: for no wait at all
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(date.Sub(now), 0)
}
