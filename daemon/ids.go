package daemon

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/oklog/ulid/v2"
)

// Incidents and deliveries have ULIDs for ids, which sort by time. randomID is unique over all hosts.
func randomID(_ string, at time.Time, _ int) string {
	return ulid.MustNew(ulid.Timestamp(at), rand.Reader).String()
}

// derivedID depends on its arguments alone, so that a replay gives the same bytes every time.
func derivedID(fingerprint string, at time.Time, ordinal int) string {
	var id ulid.ULID
	// A time before 1970 or after the year 10889 cannot be told by a ULID: such a record keeps the zero time.
	_ = id.SetTime(ulid.Timestamp(at))
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %d", fingerprint, at.UnixNano(), ordinal))
	_ = id.SetEntropy(sum[:10])
	return id.String()
}
