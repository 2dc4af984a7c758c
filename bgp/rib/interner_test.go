package rib

import (
	"encoding/binary"
	"testing"
)

// blockNumber is an attribute block as full tables have them: 45 bytes, nearly all of them different.
func blockNumber(b []byte, i int) []byte {
	binary.BigEndian.PutUint64(b[20:], uint64(i)*golden)
	return b
}

func TestInternAllocatesNothingForWhatCameAndWent(t *testing.T) {
	var in Interner
	key := make([]byte, 45)
	kept, _ := in.Intern(key) // so that not everything is given back
	defer in.Release(kept)
	if n := testing.AllocsPerRun(100, func() {
		for i := 1; i < 50; i++ {
			id, isNew := in.Intern(blockNumber(key, i))
			if !isNew {
				t.Fatal("a block is not new that was released")
			}
			in.Release(id)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Blocks of many lengths come and go, and what is left is moved together once it is little.
func TestArenaMovesTogetherWhatIsLeft(t *testing.T) {
	var in Interner
	key := make([]byte, 2000)
	ids := make([]ID, 40_000)
	for i := range ids {
		ids[i], _ = in.Intern(blockNumber(key, i)[:28+i%600])
	}
	chunks := len(in.keys.chunks)
	for i, id := range ids {
		if i%100 != 0 {
			in.Release(id)
		}
	}
	if n := len(in.keys.chunks); n > chunks/2 {
		t.Errorf("%d chunks for a hundredth of what took %d", n, chunks)
	}
	for i := 0; i < len(ids); i += 100 {
		if string(in.Key(ids[i])) != string(blockNumber(key, i)[:28+i%600]) {
			t.Fatalf("block %d is not what it was", i)
		}
		in.Release(ids[i])
	}
	if in.Len() != 0 || in.keys.chunks != nil {
		t.Error("memory is held for nothing")
	}
}

func BenchmarkIntern(b *testing.B) {
	for name, known := range map[string]bool{"new": false, "known": true} {
		b.Run(name, func(b *testing.B) {
			var in Interner
			key := make([]byte, 45)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if n := i % 230_000; n == 0 && !known {
					in.drop()
				}
				in.Intern(blockNumber(key, i%230_000))
			}
		})
	}
}
