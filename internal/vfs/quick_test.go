package vfs

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestQuickWrites(t *testing.T) {
	large := bytes.Repeat([]byte("x"), quickBytes)
	for name, bufs := range map[string][][]byte{
		"one":   {[]byte("a")},
		"some":  {[]byte("head"), nil, []byte("body"), {}},
		"many":  bytes.SplitAfter(bytes.Repeat([]byte("ab,"), quickVec), []byte(",")),
		"most":  {large},
		"large": {large, []byte("y")},
	} {
		for _, off := range []int64{0, 1, 1 << 32, 5<<32 + 7} {
			path := filepath.Join(t.TempDir(), name)
			f, err := OS.Create(path)
			if err != nil {
				t.Fatal(err)
			}
			want := bytes.Join(bufs, nil)
			if n, err := f.WriteVecAt(off, bufs...); n != len(want) || err != nil {
				t.Errorf("%s at %d: wrote %d of %d bytes, %v", name, off, n, len(want), err)
			}
			got := make([]byte, len(want))
			if _, err := f.ReadAt(got, off); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s at %d: it reads %.20q, %v", name, off, got, err)
			}
			if size, err := f.Size(); err != nil || size != off+int64(len(want)) {
				t.Errorf("%s at %d: the file has %d bytes, %v", name, off, size, err)
			}
			f.Close()
		}
	}
	r, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := pwritev(r.Fd(), [][]byte{[]byte("a")}, 0); n > 0 || !errors.Is(err, unix.EBADF) {
		t.Errorf("wrote %d to what is open for reading, %v", n, err)
	}
}

func TestTrust(t *testing.T) {
	var disk trust
	now := time.Hour
	disk.took(now, now+slowWrite)
	if !disk.has(now) {
		t.Error("a write that was quick enough costs the trust")
	}
	disk.took(now, now+slowWrite+1)
	now += slowWrite + 1
	if disk.has(now+notQuick-1) || !disk.has(now+notQuick) {
		t.Error("after a slow write the disk is trusted again too early or too late")
	}
}
