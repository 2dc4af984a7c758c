package notice

import (
	"bytes"
	"fmt"
	"time"
)

// timeFormat is RFC 3339 with exactly six digits of the second, so that stamps sort as text.
const timeFormat = "2006-01-02T15:04:05.000000Z07:00"

// Time is a moment as a notice tells it: UTC, whole microseconds, no monotonic reading; equal moments are equal with
// ==. The zero Time is JSON null.
type Time struct{ time.Time }

// At rounds t down to what a notice tells of it.
func At(t time.Time) Time {
	if t.IsZero() {
		return Time{}
	}
	return Time{t.UTC().Truncate(time.Microsecond)}
}

func (t Time) String() string { return t.UTC().Format(timeFormat) }

// MarshalJSON writes RFC 3339 with microseconds, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	if err := t.tellable(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, len(timeFormat)+2)
	return append(t.UTC().AppendFormat(append(b, '"'), timeFormat), '"'), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (t *Time) UnmarshalJSON(text []byte) error {
	if bytes.Equal(text, []byte("null")) {
		*t = Time{}
		return nil
	}
	parsed, err := time.Parse(`"`+timeFormat+`"`, string(text))
	if err != nil {
		return fmt.Errorf("not an RFC 3339 time: %w", err)
	}
	*t = At(parsed)
	return t.tellable()
}

// tellable refuses what RFC 3339 has no words for.
func (t Time) tellable() error {
	if year := t.UTC().Year(); year < 0 || year > 9999 {
		return fmt.Errorf("the year %d is not one of four digits", year)
	}
	return nil
}
