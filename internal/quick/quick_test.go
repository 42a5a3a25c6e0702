package quick

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// sockets returns the two ends of a connection in non-blocking mode.
func sockets(t *testing.T) (a, b uintptr) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		unix.Close(fds[0]) //nolint:errcheck // a test may have closed it
		unix.Close(fds[1]) //nolint:errcheck // likewise
	})
	return uintptr(fds[0]), uintptr(fds[1])
}

func TestSocket(t *testing.T) {
	a, b := sockets(t)
	p := make([]byte, 100)
	if n, err := Read(b, p); n > 0 || !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("an empty socket gives %d bytes, %v", n, err)
	}
	if n, err := Write(a, []byte("hello")); n != 5 || err != nil {
		t.Errorf("wrote %d, %v", n, err)
	}
	if n, err := Read(b, p[:4]); err != nil || string(p[:n]) != "hell" {
		t.Errorf("read %q, %v", p[:n], err)
	}
	if n, err := Read(b, p); err != nil || string(p[:n]) != "o" {
		t.Errorf("read %q, %v", p[:n], err)
	}
	full := false
	for range 10_000 {
		n, err := Write(a, make([]byte, 1<<16))
		if full = errors.Is(err, syscall.EAGAIN); full {
			break
		}
		if n <= 0 || err != nil {
			t.Fatalf("wrote %d, %v", n, err)
		}
	}
	if !full {
		t.Error("a socket that nobody reads takes anything")
	}
	unix.Close(int(b)) //nolint:errcheck // what comes next tells
	if _, err := Write(a, []byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("wrote to nobody: %v", err)
	}
}

func TestEnd(t *testing.T) {
	a, b := sockets(t)
	unix.Close(int(a)) //nolint:errcheck // what comes next tells
	if n, err := Read(b, make([]byte, 1)); n != 0 || err != nil {
		t.Errorf("the end reads as %d, %v", n, err)
	}
}

func TestPwritev(t *testing.T) {
	large := bytes.Repeat([]byte("x"), maxBytes)
	for name, bufs := range map[string][][]byte{
		"one":   {[]byte("a")},
		"some":  {[]byte("head"), nil, []byte("body"), {}},
		"many":  bytes.SplitAfter(bytes.Repeat([]byte("ab,"), maxBufs), []byte(",")),
		"most":  {large},
		"large": {large, []byte("y")},
	} {
		for _, off := range []int64{0, 1, 1 << 32, 5<<32 + 7} {
			f, err := os.Create(filepath.Join(t.TempDir(), name))
			if err != nil {
				t.Fatal(err)
			}
			want := bytes.Join(bufs, nil)
			if n, err := Pwritev(f.Fd(), bufs, off); n != len(want) || err != nil {
				t.Errorf("%s at %d: wrote %d of %d bytes, %v", name, off, n, len(want), err)
			}
			got := make([]byte, len(want))
			if _, err := f.ReadAt(got, off); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s at %d: it reads %.20q, %v", name, off, got, err)
			}
			if info, err := f.Stat(); err != nil || info.Size() != off+int64(len(want)) {
				t.Errorf("%s at %d: the file has %d bytes, %v", name, off, info.Size(), err)
			}
			f.Close()
		}
	}
	r, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := Pwritev(r.Fd(), [][]byte{[]byte("a")}, 0); n > 0 || !errors.Is(err, syscall.EBADF) {
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
