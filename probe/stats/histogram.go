package stats

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"time"
)

// The buckets of a Histogram are those of an HDR histogram of three digits
// (http://hdrhistogram.org): each microsecond up to 2,047, and from there on
// 1,024 to each doubling, so that none is wider than a thousandth of what it
// holds. The last ends beyond a minute; what is longer counts there.
const (
	bucketBits = 10
	longest    = 1<<26 - 1 // in microseconds: 67 s
	lastBucket = (26-bucketBits-1)<<bucketBits + 1<<(bucketBits+1) - 1
)

// Histogram counts round-trip times to three digits. It holds only the buckets
// that are in use: thousands of targets have one each, of which the same in full
// would take 140 kB. Two add up to what one of all their values would be. The
// zero value is empty.
type Histogram struct {
	bins  []bin // ascending
	total uint64
}

type bin struct {
	bucket uint32
	count  uint64
}

// bucketOf is where a duration counts.
func bucketOf(d time.Duration) uint32 {
	us := uint32(min(max(d.Microseconds(), 0), longest))
	shift := max(bits.Len32(us)-bucketBits-1, 0)
	return uint32(shift)<<bucketBits + us>>shift
}

// middleOf is the duration that stands for all of a bucket.
func middleOf(bucket uint32) time.Duration {
	shift := max(int(bucket>>bucketBits)-1, 0)
	low := time.Duration(bucket-uint32(shift)<<bucketBits) << shift
	return (low + (1<<shift)/2) * time.Microsecond
}

// Count is how many values it took in.
func (h *Histogram) Count() int { return int(h.total) }

// Add takes in a value.
func (h *Histogram) Add(d time.Duration) { h.add(bucketOf(d), 1) }

func (h *Histogram) add(bucket uint32, n uint64) {
	h.total += n
	i, found := slices.BinarySearchFunc(h.bins, bucket, func(b bin, at uint32) int { return int(b.bucket) - int(at) })
	if found {
		h.bins[i].count += n
		return
	}
	h.bins = slices.Insert(h.bins, i, bin{bucket, n})
}

// Merge takes in all values of another one.
func (h *Histogram) Merge(o *Histogram) {
	merged := make([]bin, 0, max(len(h.bins), len(o.bins)))
	a, b := h.bins, o.bins
	for len(a) > 0 && len(b) > 0 {
		switch {
		case a[0].bucket < b[0].bucket:
			merged, a = append(merged, a[0]), a[1:]
		case a[0].bucket > b[0].bucket:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged = append(merged, bin{a[0].bucket, a[0].count + b[0].count})
			a, b = a[1:], b[1:]
		}
	}
	h.bins = append(append(merged, a...), b...)
	h.total += o.total
}

// Clone gives one that shares nothing.
func (h *Histogram) Clone() Histogram {
	return Histogram{slices.Clone(h.bins), h.total}
}

// Quantile is that by nearest rank, to three digits; 0 of an empty one.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	left := uint64(rank(q, int(h.total)))
	for _, b := range h.bins {
		if left <= b.count {
			return middleOf(b.bucket)
		}
		left -= b.count
	}
	return middleOf(h.bins[len(h.bins)-1].bucket)
}

// histogramForm is the first byte of the binary form, in case there is ever another.
const histogramForm = 1

// MarshalBinary gives a form to be kept: for each bucket in use the distance from
// the one before and the count, as variable-length integers.
func (h *Histogram) MarshalBinary() ([]byte, error) {
	b := make([]byte, 1, 1+3*len(h.bins))
	b[0] = histogramForm
	var before uint32
	for _, bin := range h.bins {
		b = binary.AppendUvarint(b, uint64(bin.bucket-before))
		b = binary.AppendUvarint(b, bin.count)
		before = bin.bucket
	}
	return b, nil
}

var errHistogram = errors.New("not a latency histogram")

// UnmarshalBinary reads what MarshalBinary gave.
func (h *Histogram) UnmarshalBinary(b []byte) error {
	if len(b) == 0 || b[0] != histogramForm {
		return fmt.Errorf("%w: unknown form", errHistogram)
	}
	read := Histogram{bins: make([]bin, 0, len(b)/2)}
	var at uint64
	for b = b[1:]; len(b) > 0; {
		step, n := binary.Uvarint(b)
		count, m := binary.Uvarint(b[max(n, 0):])
		if n <= 0 || m <= 0 {
			return fmt.Errorf("%w: cut short", errHistogram)
		}
		if at += step; step > lastBucket || at > lastBucket || step == 0 && len(read.bins) > 0 || count == 0 || count > 1<<48 {
			return fmt.Errorf("%w: bucket %d with %d values", errHistogram, at, count)
		}
		read.bins = append(read.bins, bin{uint32(at), count})
		read.total += count
		b = b[n+m:]
	}
	*h = read
	return nil
}
