package upstream

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"path"
	"reflect"
	"strings"
	"testing"

	"nsqsuite/internal/vfs"
)

const dir = "/data"

func newFS(t testing.TB, files map[string]string) *vfs.Mem {
	t.Helper()
	fsys := vfs.NewMem()
	if err := fsys.MkdirAll(dir); err != nil {
		t.Fatal(err)
	}
	for name, content := range files {
		f, err := fsys.Create(path.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteVecAt(0, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	return fsys
}

func content(t testing.TB, fsys vfs.FS, name string) string {
	t.Helper()
	f, err := fsys.OpenFile(path.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	size, err := f.Size()
	if err != nil {
		t.Fatal(err)
	}
	p := make([]byte, size)
	if _, err := f.ReadAt(p, 0); err != nil && size > 0 {
		t.Fatal(err)
	}
	return string(p)
}

// payload returns a message of body with an ID made of hex digits.
func payload(body string) string {
	return "\x11\x22\x33\x44\x55\x66\x77\x88\x00\x01" + "00112233445566ff" + body
}

// recs returns records of messages with these bodies, back to back.
func recs(bodies ...string) string {
	var p []byte
	for _, body := range bodies {
		p = binary.BigEndian.AppendUint32(p, uint32(len(payload(body))))
		p = append(p, payload(body)...)
	}
	return string(p)
}

func d(n int) string { return fmt.Sprintf("q.diskqueue.%06d.dat", n) }

const m = "q.diskqueue.meta.dat"

// read returns the bodies of what is unread in the only queue.
func read(t testing.TB, fsys vfs.FS, salvage bool) (bodies string, found Found) {
	t.Helper()
	queues, err := List(fsys, dir)
	if err != nil || len(queues) != 1 {
		t.Fatalf("%d queues, %v", len(queues), err)
	}
	var list []string
	found, err = queues[0].Read(salvage, func(p []byte) error {
		list = append(list, string(p[MinPayload:]))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := queues[0].Empty(salvage)
	if err != nil || empty != (len(list) == 0 && len(found.Damaged) == 0) {
		t.Errorf("empty %v, %v; but read %q and %v", empty, err, list, found.Damaged)
	}
	return strings.Join(list, " "), found
}

// TestDamageTable is protocol.md 16.7, and what is normal beside it.
func TestDamageTable(t *testing.T) {
	two := recs("a1", "a2") // 64 bytes
	for _, c := range []struct {
		what    string
		files   map[string]string
		want    string
		damaged string
		salvage string // what is read when salvaging, if that is different
	}{
		{what: "orderly end", files: map[string]string{m: "2\n0,0\n0,64\n", d(0): two}, want: "a1 a2"},
		{what: "idle", files: map[string]string{m: "0\n0,64\n0,64\n", d(0): two}},
		{what: "half read", files: map[string]string{m: "1\r\n0,32\r\n0,64", d(0): two}, want: "a2"},
		{what: "no metadata", files: map[string]string{d(0): two, d(1): recs("b1")}, want: "a1 a2 b1"},
		{what: "unparsable", files: map[string]string{m: "2\n0;0\n0,64\n", d(0): two}, want: "a1 a2"},
		{what: "empty metadata", files: map[string]string{m: "", d(0): two}, want: "a1 a2"},
		{what: "negative position", files: map[string]string{m: "2\n0,-1\n0,64\n", d(0): two}, want: "a1 a2"},
		{what: "longer than the write position", files: map[string]string{m: "0\n0,32\n0,32\n", d(0): two}, want: "a2"},
		{what: "write file absent", files: map[string]string{m: "0\n4,0\n4,0\n"}},
		{what: "after an empty", files: map[string]string{m: "0\n4,0\n4,0\n", d(3) + ".bad": two}, salvage: "a1 a2"},
		{what: "read files not removed", files: map[string]string{m: "1\n1,0\n1,32\n", d(0): two, d(1): recs("b1")}, want: "b1"},
		{what: "files behind the write file", files: map[string]string{m: "2\n0,0\n0,64\n", d(0): two, d(1): recs("b1")}, want: "a1 a2 b1"},
		{what: "depth wrong", files: map[string]string{m: "-7\n0,0\n0,64\n", d(0): two}, want: "a1 a2"},
		{what: "length too small", files: map[string]string{m: "2\n0,0\n1,32\n", d(0): two[:32] + "\x00\x00\x00\x19" + two, d(1): recs("b1")},
			want: "a1 b1", damaged: d(0) + ": 68 bytes at 32: a record of 25 bytes cannot be", salvage: "a1 a1 a2 b1"},
		{what: "length negative", files: map[string]string{m: "2\n0,0\n1,32\n", d(0): two[:32] + "\xff\xff\xff\xff", d(1): recs("b1")},
			want: "a1 b1", damaged: d(0) + ": 4 bytes at 32: a record of -1 bytes cannot be"},
		{what: "length huge", files: map[string]string{m: "2\n0,0\n0,64\n", d(0): "\x7f\xff\xff\xff" + two},
			damaged: d(0) + ": 68 bytes at 0: a record of 2147483647 bytes cannot be", salvage: "a1 a2"},
		{what: "cut in a payload", files: map[string]string{m: "2\n0,0\n0,64\n", d(0): two[:63]},
			want: "a1", damaged: d(0) + ": 31 bytes at 32: a record is cut short; " + d(0) + ": 1 bytes at 63: the file is shorter than the metadata say"},
		{what: "cut in a length", files: map[string]string{d(0): two + "\x00\x00"}, want: "a1 a2", damaged: d(0) + ": 2 bytes at 64: a record is cut short"},
		{what: "missing file", files: map[string]string{m: "3\n0,0\n4,32\n", d(0): two, d(4): recs("e1")},
			want: "a1 a2 e1", damaged: d(1) + ": 0 bytes at 0: the file is missing, and those up to number 3"},
		{what: "read file missing", files: map[string]string{m: "3\n0,32\n1,32\n", d(1): recs("b1"), d(0) + ".bad": two},
			want: "b1", damaged: d(0) + ": 0 bytes at 0: the file is missing", salvage: "a1 a2 b1"},
		{what: "reader beyond the writer's position", files: map[string]string{m: "0\n0,96\n0,64\n", d(0): two},
			damaged: d(0) + ": 32 bytes at 64: the file is shorter than the metadata say"},
		{what: "reader beyond the writer's file", files: map[string]string{m: "0\n3,0\n0,64\n", d(0): two}},
		{what: "zeros", files: map[string]string{m: "2\n0,0\n0,64\n", d(0): two[:32] + strings.Repeat("\x00", 100) + two[32:]},
			want: "a1", damaged: d(0) + ": 132 bytes at 32: a record of 0 bytes cannot be", salvage: "a1 a2"},
	} {
		fsys := newFS(t, c.files)
		got, found := read(t, fsys, false)
		damage := ""
		for i, place := range found.Damaged {
			if i > 0 {
				damage += "; "
			}
			damage += place.String()
		}
		if got != c.want || damage != c.damaged || found.Messages != int64(len(strings.Fields(got))) {
			t.Errorf("%s: got %q, damaged %q", c.what, got, damage)
		}
		if c.salvage == "" {
			c.salvage = c.want
		}
		if got, _ := read(t, fsys, true); got != c.salvage {
			t.Errorf("%s: salvaged %q, want %q", c.what, got, c.salvage)
		}
	}
}

func TestList(t *testing.T) {
	fsys := newFS(t, map[string]string{
		"a.diskqueue.meta.dat":                 "1\n0,32\n1,64\n",
		"a.diskqueue.meta.dat.12.tmp":          "",
		"a.diskqueue.000010.dat":               "",
		"a.diskqueue.000002.dat":               "",
		"a.diskqueue.000002.dat.bad":           "",
		"a.diskqueue.12345678.dat":             "",
		"a.diskqueue.1.dat":                    "",
		"a.diskqueue.00000x.dat":               "",
		"a.diskqueue.log":                      "",
		".diskqueue.000000.dat":                "",
		"x.diskqueue.meta.dat:c.dat":           "",
		"b.diskqueue.x:c.diskqueue.000000.dat": "",
		"nsqd.dat":                             "{}",
	})
	queues, err := List(fsys, dir)
	if err != nil || len(queues) != 2 {
		t.Fatalf("%d queues, %v", len(queues), err)
	}
	a, b := queues[0], queues[1]
	if a.Name != "a" || a.MetaErr != nil || a.Meta != (Metadata{1, Position{0, 32}, Position{1, 64}}) {
		t.Errorf("got %+v", a)
	}
	want := []string{"a.diskqueue.meta.dat.12.tmp", "a.diskqueue.meta.dat", "a.diskqueue.000002.dat", "a.diskqueue.000010.dat", "a.diskqueue.12345678.dat"}
	if got := a.Files(false); !reflect.DeepEqual(got, want) {
		t.Errorf("files %q", got)
	}
	if got := a.Files(true); len(got) != len(want)+1 {
		t.Errorf("files with bad ones %q", got)
	}
	if b.Name != QueueName("b.diskqueue.x", "c") || QueueName("t", "") != "t" {
		t.Errorf("got %+v", b)
	}
	if _, err := List(fsys, "/none"); err == nil {
		t.Error("a folder that is not there is listed")
	}
}

// TestFormat holds the bytes of protocol.md 16.2 and 16.3.
func TestFormat(t *testing.T) {
	fsys := newFS(t, nil)
	w := NewWriter(fsys, dir, "q", 70)
	for _, body := range []string{"a1", "a2", "b1", strings.Repeat("c", 200), "d1"} {
		if err := w.Write([]byte(payload(body))); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	empty := NewWriter(fsys, dir, "empty", 70)
	if err := empty.Close(); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		d(0): recs("a1", "a2"), d(1): recs("b1"), d(2): recs(strings.Repeat("c", 200)), d(3): recs("d1"),
		m: "5\n0,0\n3,32\n", "empty.diskqueue.meta.dat": "0\n0,0\n0,0\n",
	}
	names, _ := fsys.ReadDir(dir)
	if len(names) != len(want) {
		t.Errorf("files %q", names)
	}
	for name, text := range want {
		if got := content(t, fsys, name); got != text {
			t.Errorf("%s: %q, want %q", name, got, text)
		}
	}
}

// TestRoundTrip writes random queues and reads them again.
func TestRoundTrip(t *testing.T) {
	for seed := range uint64(10) {
		dice := rand.New(rand.NewPCG(seed, 1))
		fsys := newFS(t, nil)
		w := NewWriter(fsys, dir, "q", 1+dice.Int64N(1<<19))
		var want [][]byte
		for range dice.IntN(300) {
			size := MinPayload + dice.IntN(500)
			if dice.IntN(50) == 0 {
				size += 2 * window
			}
			p := make([]byte, size)
			for i := range p {
				p[i] = byte(dice.Uint32())
			}
			want = append(want, p)
			if err := w.Write(p); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		queues, err := List(fsys, dir)
		if err != nil {
			t.Fatal(err)
		}
		found, err := queues[0].Read(false, func(p []byte) error {
			if len(want) == 0 || !bytes.Equal(p, want[0]) {
				t.Fatalf("seed %d: a payload of %d bytes is not what was written", seed, len(p))
			}
			want = want[1:]
			return nil
		})
		if err != nil || len(want) > 0 || len(found.Damaged) > 0 || found.Messages != queues[0].Meta.Depth {
			t.Fatalf("seed %d: %d left, found %+v, %v", seed, len(want), found, err)
		}
	}
}

// TestErrors fails every operation: the error comes out, of reading, of take, and of writing.
func TestErrors(t *testing.T) {
	no := errors.New("no")
	faulty := vfs.NewFaulty(newFS(t, map[string]string{m: "2\n0,0\n0,64\n", d(0): recs("a1", "a2")}))
	readAll := func() error {
		queues, err := List(faulty, dir)
		if err == nil {
			_, err = queues[0].Read(true, func([]byte) error { return nil })
		}
		return err
	}
	writeAll := func() error {
		w := NewWriter(faulty, dir, "w", 40)
		return errors.Join(w.Write([]byte(payload("a"))), w.Write([]byte(payload("b"))), w.Close())
	}
	for what, do := range map[string]func() error{"reading": readAll, "writing": writeAll} {
		for n := 1; ; n++ {
			faulty.Fail(func(i int, _ vfs.Op, _ string) error {
				if i == n {
					return no
				}
				return nil
			})
			err := do()
			if faulty.Count() < n {
				if n < 5 || err != nil {
					t.Errorf("%s: %d operations, %v", what, n, err)
				}
				break
			}
			if !errors.Is(err, no) {
				t.Errorf("%s: failure of operation %d: %v", what, n, err)
			}
		}
	}
	faulty.Fail(nil)
	queues, err := List(faulty, dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := queues[0].Read(false, func([]byte) error { return no }); !errors.Is(err, no) {
		t.Errorf("take's error: %v", err)
	}
}

// FuzzRead reads anything: it must end, count right, and need no more memory than the file has.
func FuzzRead(f *testing.F) {
	f.Add("2\n0,0\n0,64\n", recs("a1", "a2"), "", true)
	f.Add("2\n0,0\n1,64\n", "\x00\x00\x00\x19"+recs("a1", "a2"), recs("b")[1:], true)
	f.Add("x", recs("a1")+"\x1f\xff\xff\xff", recs("a1"), false)
	f.Fuzz(func(t *testing.T, meta, first, second string, salvage bool) {
		fsys := newFS(t, map[string]string{m: meta, d(0): first, d(1) + ".bad": second})
		queues, err := List(fsys, dir)
		if err != nil || len(queues) != 1 {
			t.Fatalf("%d queues, %v", len(queues), err)
		}
		n, total := int64(0), int64(0)
		found, err := queues[0].Read(salvage, func(p []byte) error {
			if len(p) < MinPayload {
				t.Errorf("a payload of %d bytes", len(p))
			}
			n++
			total += int64(len(p))
			return nil
		})
		if err != nil || found.Messages != n || found.Bytes != total || total+lengthSize*n > int64(len(first)+len(second)) {
			t.Errorf("%d messages, %d bytes, found %+v, %v", n, total, found, err)
		}
		for _, place := range found.Damaged {
			if place.Len < 0 || place.Pos < 0 {
				t.Errorf("damage %+v", place)
			}
		}
	})
}
