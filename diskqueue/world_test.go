package diskqueue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sort"
	"testing"
	"time"

	"nsqsuite/internal/vfs"
)

const (
	testDir    = "/data"
	testName   = "t"
	testHeader = 12 // offset, body size
)

// world is a log over a file system in memory, and what is known to be in it.
type world struct {
	t     testing.TB
	dice  *rand.Rand
	mem   *vfs.Mem
	fs    *vfs.Faulty
	o     Options
	store *Store
	log   *Log
	known Position

	stored map[uint64]stored // every record that an append was tried for
	floor  uint64            // records below it may have been trimmed
	jump   uint64            // what NextOffset returned last
	unsaid bool              // a close failed: what was only in memory may be gone
	damage []Damage
}

// stored is what is known of a record.
type stored struct {
	body  []byte
	due   int64
	acked bool // its append returned nil
	safe  bool // a sync came after it
}

func newWorld(t testing.TB, seed uint64, o Options) *world {
	w := &world{t: t, dice: rand.New(rand.NewPCG(seed, 1)), mem: vfs.NewMem(), stored: map[uint64]stored{}}
	if err := w.mem.MkdirAll(testDir); err != nil {
		t.Fatal(err)
	}
	if err := w.mem.SyncDir("/"); err != nil {
		t.Fatal(err)
	}
	o.HeaderSize = testHeader
	o.PutHeader = func(dst []byte, offset uint64, _ int64, r *Record) {
		binary.BigEndian.PutUint64(dst, offset)
		binary.BigEndian.PutUint32(dst[8:], uint32(len(r.Body)))
	}
	o.NextOffset = func() uint64 { w.jump += 1 << 32; return w.jump }
	o.Needed = func(_, end uint64) bool { return end > w.floor }
	o.Damaged = func(d Damage) { w.damage = append(w.damage, d) }
	w.o = o
	w.fs = vfs.NewFaulty(w.mem)
	return w
}

// open opens the log; the error is its own.
func (w *world) open() error {
	w.store = NewStore(w.fs, testDir, 4)
	l, err := w.store.Open(testName, w.known, w.o)
	if err == nil {
		w.log = l
	}
	return err
}

func (w *world) mustOpen() {
	w.t.Helper()
	if err := w.open(); err != nil {
		w.t.Fatalf("open: %v", err)
	}
}

// append appends n random records. The error is the log's.
func (w *world) append(n int) error {
	records := make([]Record, n)
	for i := range records {
		size := w.dice.IntN(100)
		if w.dice.IntN(40) == 0 {
			size = w.dice.IntN(3000)
		}
		body := make([]byte, size)
		for j := range body {
			body[j] = byte(w.dice.Uint32())
		}
		records[i].Body = body
		if w.dice.IntN(5) == 0 {
			records[i].Delay = time.Duration(w.dice.Int64())
		}
	}
	before := w.log.End()
	const now = 7
	first, err := w.log.Append(now, records)
	if err != nil {
		first = before
	}
	for i, r := range records {
		offset := first + uint64(i)
		if old, ok := w.stored[offset]; ok && old.acked {
			w.t.Fatalf("offset %d was given out twice", offset)
		}
		due := int64(0)
		if r.Delay != 0 {
			due = now + int64(r.Delay)
		}
		w.stored[offset] = stored{body: r.Body, due: due, acked: err == nil, safe: err == nil && w.o.Durability == Fsync}
	}
	return err
}

func (w *world) sync() error {
	err := w.log.Sync()
	if err == nil {
		w.safe(w.log.Position().Next)
	}
	return err
}

// safe notes that all that was acknowledged below end is on the disk.
func (w *world) safe(end uint64) {
	for offset, s := range w.stored {
		s.safe = s.safe || s.acked && offset < end
		w.stored[offset] = s
	}
}

// trim gives up what lies below some offset.
func (w *world) trim() error {
	first, end := w.log.First(), w.log.End()
	if end > first {
		w.floor = max(w.floor, end-min(end-first, w.dice.Uint64N(40)))
	}
	w.log.Forget(w.floor)
	_, err := w.log.Trim(w.dice.IntN(3) == 0)
	return err
}

func (w *world) checkpoint() { w.known = w.log.Position() }

func (w *world) close() error {
	if err := w.log.Close(); err != nil {
		w.unsaid = w.unsaid || !errors.Is(err, ErrClosed)
		return err
	}
	w.known = w.log.Position()
	w.known.Closed = true
	w.safe(w.known.End)
	return nil
}

// read returns the records from floor on as the log gives them, checking each.
func (w *world) read(from uint64) (map[uint64]bool, error) {
	w.t.Helper()
	got := map[uint64]bool{}
	for at := from; ; {
		v, err := w.log.Load(at)
		if err != nil {
			return nil, err
		}
		if v.Len() == 0 {
			return got, nil
		}
		if v.First < at {
			w.t.Fatalf("Load(%d) returned a view from %d", at, v.First)
		}
		for i := range v.Len() {
			w.check(v.First+uint64(i), v.Bytes(i, i+1), v.Due(i))
			got[v.First+uint64(i)] = true
		}
		at = v.End()
		v.Release()
	}
}

// check compares a record that the log gave with what was stored.
func (w *world) check(offset uint64, record []byte, due int64) {
	w.t.Helper()
	s, ok := w.stored[offset]
	if !ok {
		w.t.Fatalf("record %d was never appended", offset)
	}
	if len(record) < testHeader || binary.BigEndian.Uint64(record) != offset {
		w.t.Fatalf("record %d has a wrong header: %x", offset, record[:min(len(record), testHeader)])
	}
	if !bytes.Equal(record[testHeader:], s.body) || due != s.due {
		w.t.Fatalf("record %d came back changed", offset)
	}
}

// verify reads everything and checks that what must is there, and counted.
func (w *world) verify(must func(s stored) bool, exact bool) {
	w.t.Helper()
	got, err := w.read(w.floor)
	if err != nil {
		w.t.Fatalf("reading: %v", err)
	}
	for _, offset := range w.offsets() {
		if s := w.stored[offset]; offset >= w.floor && must(s) && !got[offset] {
			w.t.Fatalf("record %d (acked %v, synced %v) is lost; log is %d to %d", offset, s.acked, s.safe, w.log.First(), w.log.End())
		}
	}
	if n := w.log.Count(w.floor, w.log.End()); exact && n != uint64(len(got)) {
		w.t.Fatalf("Count says %d, %d can be read", n, len(got))
	}
	// What was not there is not there later either.
	for offset := range w.stored {
		if offset >= w.floor && !got[offset] {
			delete(w.stored, offset)
		}
	}
}

func (w *world) offsets() []uint64 {
	all := make([]uint64, 0, len(w.stored))
	for o := range w.stored {
		all = append(all, o)
	}
	sort.Slice(all, func(i, j int) bool { return all[i] < all[j] })
	return all
}

// kill ends the process: what was written is there.
func (w *world) kill() {
	w.mem = w.mem.Kill()
	w.fs = vfs.NewFaulty(w.mem)
	w.known.Closed = false
}

// crash ends the power.
func (w *world) crash() {
	w.mem = w.mem.Crash(w.dice)
	w.fs = vfs.NewFaulty(w.mem)
	w.known.Closed = false
}

// Which records must be there, by what happened.
var (
	acked  = func(s stored) bool { return s.acked }
	synced = func(s stored) bool { return s.safe }
)

// survivesClose returns what must be there after a close that may have failed.
func (w *world) survivesClose() func(stored) bool {
	if w.unsaid {
		return w.survivesKill()
	}
	return acked
}

// survivesKill returns what must be there after the process was killed.
func (w *world) survivesKill() func(stored) bool {
	if w.o.Durability == Memory {
		return synced
	}
	return acked
}

var modes = map[string]Durability{"memory": Memory, "write": Write, "fsync": Fsync}

var errInjected = errors.New("injected failure")

func forModes(t *testing.T, f func(t *testing.T, d Durability)) {
	for name, d := range modes {
		t.Run(name, func(t *testing.T) { f(t, d) })
	}
}

func small(d Durability) Options {
	return Options{Durability: d, MaxSegmentBytes: 4096, MemRecords: 20}
}

func failOnce(at int) func(int, vfs.Op, string) error {
	return func(n int, op vfs.Op, name string) error {
		if n == at {
			return fmt.Errorf("%w: %s %s", errInjected, op, name)
		}
		return nil
	}
}

func failFrom(at int) func(int, vfs.Op, string) error {
	return func(n int, _ vfs.Op, _ string) error {
		if n >= at {
			return vfs.ErrDead
		}
		return nil
	}
}
