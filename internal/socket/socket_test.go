package socket

import (
	"bytes"
	"syscall"
	"testing"
)

// TestSocket writes until there is no room, and reads until there is nothing left.
func TestSocket(t *testing.T) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	from, to := uintptr(fds[0]), uintptr(fds[1])
	defer syscall.Close(fds[1])
	for _, fd := range fds {
		if err := syscall.SetNonblock(fd, true); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := Read(to, make([]byte, 1)); n != 0 || err != syscall.EAGAIN {
		t.Errorf("read of nothing: %d, %v", n, err)
	}
	var sent, got []byte
	for err == nil {
		text := bytes.Repeat([]byte{byte(len(sent))}, 1000)
		var n int
		n, err = Write(from, text)
		sent = append(sent, text[:n]...)
	}
	if err != syscall.EAGAIN || len(sent) == 0 {
		t.Fatalf("%d bytes written, %v", len(sent), err)
	}
	syscall.Close(fds[0])
	for p := make([]byte, 777); ; {
		n, err := Read(to, p)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			break
		}
		got = append(got, p[:n]...)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes read of %d, or others", len(got), len(sent))
	}
	if n, err := Write(to, []byte("x")); n != 0 || err != syscall.EPIPE {
		t.Errorf("write to nobody: %d, %v", n, err)
	}
}
