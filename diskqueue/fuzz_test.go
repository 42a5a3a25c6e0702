package diskqueue

import (
	"testing"

	"nsqsuite/internal/vfs"
)

// FuzzSegment opens a log whose last segment is anything at all: it must open,
// give only records it could have given, and take new ones.
func FuzzSegment(f *testing.F) {
	w := newWorld(f, 1, Options{Durability: Write, MaxSegmentBytes: 1 << 20, MemRecords: 4})
	w.mustOpen()
	for range 5 {
		if err := w.append(3); err != nil {
			f.Fatal(err)
		}
	}
	path := w.log.segs[0].file.path
	whole := w.content(path)
	f.Add(whole)
	f.Add(whole[:len(whole)-7])
	f.Add(whole[segmentHeader:])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		w := newWorld(t, 1, Options{Durability: Write, MaxSegmentBytes: 1 << 20, MemRecords: 4})
		if err := w.mem.MkdirAll(testDir + "/t.topic"); err != nil {
			t.Fatal(err)
		}
		file, err := w.mem.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteVecAt(0, data); err != nil {
			t.Fatal(err)
		}
		w.mustOpen()
		n := uint64(0)
		for at := w.log.First(); at < w.log.End(); {
			v, err := w.log.Load(at)
			if err != nil {
				t.Fatal(err)
			}
			if v.Len() == 0 {
				break
			}
			n += uint64(v.Len())
			at = v.End()
			v.Release()
		}
		if count := w.log.Count(w.log.First(), w.log.End()); count != n {
			t.Fatalf("%d records counted, %d read", count, n)
		}
		if _, err := w.log.Append(1, []Record{{Body: []byte("next")}}); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzJournal reads a journal that is anything at all, and goes on writing it.
func FuzzJournal(f *testing.F) {
	entries := AppendEntry(AppendEntry(nil, []byte("first")), []byte("second"))
	seal(entries, 0)
	f.Add(entries)
	f.Add(entries[:len(entries)-1])
	f.Add(make([]byte, 20))
	f.Fuzz(func(t *testing.T, data []byte) {
		mem := vfs.NewMem()
		if err := mem.MkdirAll("/d/t.topic"); err != nil {
			t.Fatal(err)
		}
		file, err := mem.Create("/d/t.topic/" + journalName)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteVecAt(0, data); err != nil {
			t.Fatal(err)
		}
		before, after := 0, []string{}
		j, err := NewStore(mem, "/d", 4).OpenJournal("t", func([]byte) { before++ })
		if err != nil {
			t.Fatal(err)
		}
		if err := j.Append(AppendEntry(nil, []byte("next"))); err != nil {
			t.Fatal(err)
		}
		if _, err := NewStore(mem, "/d", 4).OpenJournal("t", func(e []byte) { after = append(after, string(e)) }); err != nil {
			t.Fatal(err)
		}
		if len(after) != before+1 || after[before] != "next" {
			t.Fatalf("%d entries before, then %q", before, after)
		}
	})
}
