package stats

import (
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"pgregory.net/rapid"
)

// TestBucketsAreThoseOfHDR holds each quantile to lie in the bucket in which the
// library of HDR histograms finds it.
func TestBucketsAreThoseOfHDR(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ours Histogram
		theirs := hdrhistogram.New(1, longest, 3)
		for _, us := range rapid.SliceOfN(rapid.Int64Range(1, longest), 1, 200).Draw(t, "microseconds") {
			ours.Add(time.Duration(us) * time.Microsecond)
			if err := theirs.RecordValue(us); err != nil {
				t.Fatal(err)
			}
		}
		if int64(ours.Count()) != theirs.TotalCount() {
			t.Fatalf("%d values, want %d", ours.Count(), theirs.TotalCount())
		}
		var buckets int
		for _, b := range theirs.Distribution() {
			if b.Count > 0 {
				buckets++
			}
		}
		if len(ours.bins) != buckets {
			t.Fatalf("%d buckets, want %d", len(ours.bins), buckets)
		}
		for _, q := range []float64{0.01, .5, .95, .99, 1} {
			share := 100 * float64(rank(q, ours.Count())) / float64(ours.Count()) // the library rounds the rank
			got, want := ours.Quantile(q).Microseconds(), theirs.ValueAtQuantile(share)
			if !theirs.ValuesAreEquivalent(got, want) {
				t.Fatalf("quantile %v: %d us, want one like %d us", q, got, want)
			}
		}
	})
}

func TestHistogramBoundsWhatItCannotHold(t *testing.T) {
	var h Histogram
	h.Add(-time.Second)
	h.Add(0)
	h.Add(5 * time.Minute)
	equal(t, "count", h.Count(), 3)
	equal(t, "least", h.Quantile(0), 0)
	equal(t, "last bucket", bucketOf(time.Hour), lastBucket)
	if longest := h.Quantile(1); longest < time.Minute {
		t.Errorf("the longest is %v", longest)
	}
}

func TestHistogramRefusesWhatIsNone(t *testing.T) {
	for name, b := range map[string][]byte{
		"nothing":         {},
		"another form":    {2, 1, 1},
		"cut short":       {histogramForm, 1},
		"unended integer": {histogramForm, 0x80},
		"no values":       {histogramForm, 1, 0},
		"a bucket twice":  {histogramForm, 1, 1, 0, 1},
		"too far":         {histogramForm, 0xff, 0xff, 0x7f, 1},
		"overflow":        {histogramForm, 1, 1, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 1},
	} {
		h := Histogram{total: 7}
		if err := h.UnmarshalBinary(b); err == nil || h.total != 7 {
			t.Errorf("%s: read as %+v", name, h)
		}
	}
}

func FuzzHistogramUnmarshal(f *testing.F) {
	var h Histogram
	for _, d := range ms(0.001, 10, 11, 12, 2000) {
		h.Add(d)
	}
	kept, err := h.MarshalBinary()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(kept)
	f.Fuzz(func(t *testing.T, b []byte) {
		var read, again Histogram
		if read.UnmarshalBinary(b) != nil {
			return
		}
		kept, err := read.MarshalBinary()
		if err != nil {
			t.Fatal(err)
		}
		if err := again.UnmarshalBinary(kept); err != nil || again.Count() != read.Count() {
			t.Fatalf("%v, %d values, want %d", err, again.Count(), read.Count())
		}
		read.Merge(&again) // which may be more than a file can hold
		read.Quantile(.5)
	})
}

// BenchmarkMonth adds up the hours of 30 days, each of 1,800 values in about 130
// buckets, out of their kept form.
func BenchmarkMonth(b *testing.B) {
	var hour Histogram
	for i := range 1800 {
		hour.Add(20*time.Millisecond + time.Duration(i%130)*16*time.Microsecond)
	}
	kept, err := hour.MarshalBinary()
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		var month Histogram
		for range 30 * 24 {
			var h Histogram
			if err := h.UnmarshalBinary(kept); err != nil {
				b.Fatal(err)
			}
			month.Merge(&h)
		}
		month.Quantile(.99)
	}
	b.ReportMetric(float64(len(kept)), "bytes/hour")
}
