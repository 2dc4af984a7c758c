package bunzip

import (
	"bytes"
	"compress/bzip2"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"testing"
)

const (
	magic    = "\x31\x41\x59\x26\x53\x59"
	endMagic = "\x17\x72\x45\x38\x50\x90"
	level1   = "BZh1"
)

// bits48 reads 48 bits from any one on.
func bits48(data []byte, from int) string {
	eight := append(slices.Clone(data[from/8:min(from/8+8, len(data))]), make([]byte, 8)...)
	return string(binary.BigEndian.AppendUint64(nil, binary.BigEndian.Uint64(eight)<<(from%8))[:6])
}

// blocksOf finds where each block of a file begins and ends, bit by bit.
func blocksOf(packed []byte) (blocks [][2]int) {
	const mask = 1<<48 - 1
	var last uint64
	from := 0
	for i := range len(packed) * 8 {
		last = last<<1&mask | uint64(packed[i/8]>>(7-i%8)&1)
		isBlock, isEnd := last == 0x314159265359, last == 0x177245385090
		if from > 0 && (isBlock || isEnd) {
			blocks = append(blocks, [2]int{from, i + 1 - 48})
			from = 0
		}
		if isBlock {
			from = i + 1
		}
	}
	return blocks
}

// shifted puts k bits before data.
func shifted(data []byte, k int) []byte {
	out := make([]byte, len(data)+1)
	for i, b := range data {
		out[i] |= b >> k
		out[i+1] |= byte(uint16(b) << (8 - k))
	}
	return out
}

// checkBlock compares with the standard library what stands behind the magic number of a block, to the last bit or sooner.
func checkBlock(t *testing.T, d *Decoder, block []byte) {
	t.Helper()
	want, wantErr := io.ReadAll(bzip2.NewReader(io.MultiReader(bytes.NewReader([]byte(level1+magic)), bytes.NewReader(block))))
	k := len(block) % 8
	got, end, err := d.Decode([]byte("before"), shifted(block, k), k, k+len(block)*8, 100_000)
	got = bytes.TrimPrefix(got, []byte("before"))
	switch {
	case err == io.ErrUnexpectedEOF:
		want = nil // it gives what zeros behind the end would mean
	case err != nil:
	case k+len(block)*8-end < 48: // it looks for another block
		err = io.ErrUnexpectedEOF
	case bits48(shifted(block, k), end) == magic, bits48(shifted(block, k), end) == endMagic:
		return
	default:
		err = bzip2.StructuralError("bad magic value found")
	}
	if !bytes.Equal(got, want) || !errors.Is(err, wantErr) {
		t.Fatalf("%d bytes, %v; want %d bytes, %v", len(got), err, len(want), wantErr)
	}
}

// checkFile compares all that a file of one stream holds.
func checkFile(t *testing.T, packed []byte) {
	t.Helper()
	want, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	var d Decoder
	var got []byte
	for _, b := range blocksOf(packed) {
		var end int
		got, end, err = d.Decode(got, packed, b[0], b[1], int(packed[3]-'0')*100_000)
		if err != nil || end != b[1] {
			t.Fatalf("block at bit %d: %v; ends at %d, not %d", b[0], err, end, b[1])
		}
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, want %d, or they differ", len(got), len(want))
	}
}

// shapes are contents that make unlike blocks.
func shapes() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 2))
	noise := make([]byte, 400_000)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var skewed []byte // the codes of what is rare are long
	for len(skewed) < 500_000 {
		skewed = append(skewed, byte(r.ExpFloat64()*8))
	}
	var runs []byte
	for n := range 600 {
		runs = append(runs, bytes.Repeat([]byte{byte(n % 3)}, n)...)
	}
	return map[string][]byte{
		"nothing": {}, "one byte": {7}, "two": []byte("ab"), "four": []byte("aaaa"), "five": []byte("aaaaa"),
		"noise": noise, "skewed": skewed, "runs": runs, "zeros": make([]byte, 1_000_000),
		"two in turns": bytes.Repeat([]byte("ab"), 300_000), "repeated": bytes.Repeat(noise[:1000], 1500),
		"repeated, but for the end": append(bytes.Repeat(noise[:1017], 500), "end"...),
		"nearly one byte":           append(bytes.Repeat([]byte("aaab"), 99_000), 'b'),
		"a full block":              noise[:99_981],
	}
}

func TestBlocksOfBzip2(t *testing.T) {
	levels := []string{"-9", "-1"}
	if testing.Short() {
		levels = levels[:1]
	}
	for name, content := range shapes() {
		for _, level := range levels {
			t.Run(name+level, func(t *testing.T) {
				cmd := exec.CommandContext(t.Context(), "bzip2", "-c", level)
				cmd.Stdin = bytes.NewReader(content)
				packed, err := cmd.Output()
				need(t, !errors.Is(err, exec.ErrNotFound), "bzip2")
				if err != nil {
					t.Fatal(err)
				}
				checkFile(t, packed)
			})
		}
	}
}

// BenchmarkDecode decodes blocks of recordings, here and in the standard library.
func BenchmarkDecode(b *testing.B) {
	packed, err := os.ReadFile("../../../../shared/data/mrt/updates/updates.20260222.1530.bz2")
	if err != nil {
		b.Skip(err)
	}
	b.Run("ours", func(b *testing.B) {
		blocks := blocksOf(packed)
		var d Decoder
		var buf []byte
		for b.Loop() {
			n := 0
			for _, at := range blocks {
				if buf, _, err = d.Decode(buf[:0], packed, at[0], at[1], MaxBlock); err != nil {
					b.Fatal(err)
				}
				n += len(buf)
			}
			b.SetBytes(int64(n))
		}
	})
	b.Run("library", func(b *testing.B) {
		for b.Loop() {
			n, err := io.Copy(io.Discard, bzip2.NewReader(bytes.NewReader(packed)))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(n)
		}
	})
}

func need(t *testing.T, have bool, what string) {
	t.Helper()
	switch {
	case have:
	case os.Getenv("PEERVANE_REQUIRE") == "all":
		t.Fatalf("%s is required", what)
	default:
		t.Skipf("needs %s", what)
	}
}

func FuzzDecode(f *testing.F) {
	var d Decoder
	f.Fuzz(func(t *testing.T, block []byte) {
		if len(block) < 1<<16 {
			checkBlock(t, &d, block)
		}
	})
}
