package diskqueue

import (
	"fmt"
	"sync/atomic"
	"testing"

	"nsqsuite/internal/vfs"
)

// openBench returns a log in a folder of the real file system, and what its
// owner says it has read.
func openBench(b *testing.B, d Durability, memRecords int64) (*Log, *atomic.Uint64) {
	b.Helper()
	read := new(atomic.Uint64)
	store := NewStore(vfs.OS, b.TempDir(), 0)
	l, err := store.Open("bench", Position{}, Options{
		Durability:      d,
		MaxSegmentBytes: 100 << 20,
		MemRecords:      memRecords,
		HeaderSize:      34,
		PutHeader:       func(dst []byte, _ uint64, _ int64, _ *Record) { clear(dst) },
		NextOffset:      func() uint64 { return 1 },
		Needed:          func(_, end uint64) bool { return end > read.Load() },
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Remove() }) //nolint:errcheck // the folder goes anyway
	return l, read
}

// trimEvery is how many bytes a benchmark appends before it lets the log reuse them.
const trimEvery = 64 << 20

// BenchmarkAppend appends batches of records; MB/s and ns/record are what counts.
func BenchmarkAppend(b *testing.B) {
	for _, d := range []Durability{Memory, Write, Fsync} {
		for _, size := range []int{200, 4 << 10, 100 << 10} {
			for _, batch := range []int{1, 100} {
				if size*batch > 1<<20 {
					continue
				}
				name := map[Durability]string{Memory: "memory", Write: "write", Fsync: "fsync"}[d]
				b.Run(fmt.Sprintf("%s/%dB/batch%d", name, size, batch), func(b *testing.B) {
					l, read := openBench(b, d, 10000)
					records := make([]Record, batch)
					for i := range records {
						records[i].Body = make([]byte, size)
					}
					b.SetBytes(int64(size * batch))
					left := trimEvery
					for b.Loop() {
						if _, err := l.Append(1, records); err != nil {
							b.Fatal(err)
						}
						if left -= size * batch; left < 0 {
							left = trimEvery
							l.Forget(l.End())
							read.Store(l.End())
							if _, err := l.Trim(false); err != nil {
								b.Fatal(err)
							}
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch), "ns/record")
				})
			}
		}
	}
}

// BenchmarkRead reads a log from its beginning, from memory and from disk.
func BenchmarkRead(b *testing.B) {
	const records, batch = 100_000, 100
	for _, size := range []int{200, 4 << 10} {
		for _, where := range []string{"memory", "disk"} {
			b.Run(fmt.Sprintf("%s/%dB", where, size), func(b *testing.B) {
				d, resident := Write, int64(records)
				if where == "disk" {
					resident = 0
				}
				l, _ := openBench(b, d, resident)
				r := make([]Record, batch)
				for i := range r {
					r[i].Body = make([]byte, size)
				}
				for range records / batch {
					if _, err := l.Append(1, r); err != nil {
						b.Fatal(err)
					}
				}
				b.SetBytes(int64(size * records))
				for b.Loop() {
					n := 0
					for at := l.First(); at < l.End(); {
						v, err := l.Load(at)
						if err != nil {
							b.Fatal(err)
						}
						n += v.Len()
						at = v.End()
						v.Release()
					}
					if n != records {
						b.Fatalf("read %d of %d", n, records)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*records), "ns/record")
			})
		}
	}
}
