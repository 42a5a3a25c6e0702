package socket

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

const patience = 10 * time.Second

// pair returns a Conn and what it is connected to.
func pair(t *testing.T) (*Conn, *net.TCPConn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	far, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	near, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	c := new(Conn)
	c.Attach(near)
	t.Cleanup(func() { near.Close(); far.Close() })
	for _, conn := range []net.Conn{c, far} {
		conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // what follows tells
	}
	return c, far.(*net.TCPConn)
}

// TestConn sends more than a socket holds there and back, in small and in large pieces.
func TestConn(t *testing.T) {
	for _, size := range []int{1000, maxWrite, maxWrite + 1, 10 * maxRead} {
		c, far := pair(t)
		text := bytes.Repeat([]byte("0123456789abcdef"), 1<<17)
		go func() {
			for rest := text; len(rest) > 0; {
				n, err := c.Write(rest[:min(size, len(rest))])
				if err != nil {
					t.Errorf("write: %v", err)
					break
				}
				rest = rest[n:]
			}
			c.CloseWrite() //nolint:errcheck // the other end tells
		}()
		go func() {
			io.Copy(far, far) //nolint:errcheck // what comes back tells
			far.CloseWrite()  //nolint:errcheck // likewise
		}()
		var got []byte
		for p := make([]byte, size); ; {
			n, err := c.Read(p)
			got = append(got, p[:n]...)
			if err == io.EOF {
				break
			}
			if err != nil || n == 0 {
				t.Fatalf("read: %d, %v", n, err)
			}
		}
		if !bytes.Equal(got, text) {
			t.Errorf("in pieces of %d: %d bytes come back of %d, or others", size, len(got), len(text))
		}
	}
}

// TestWriteInParts has a write for which the socket has room by and by.
func TestWriteInParts(t *testing.T) {
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	from, to := uintptr(fds[0]), uintptr(fds[1])
	defer syscall.Close(fds[0])
	defer syscall.Close(fds[1])
	text := make([]byte, 1<<20)
	for i := range text {
		text[i] = byte(i / 1000)
	}
	w := transfer{p: text}
	var got []byte
	parts := 0
	for whole := false; !whole; parts++ {
		whole = w.write(from)
		for p := make([]byte, maxRead); len(got) < w.n; {
			n, err := Read(to, p)
			if n == 0 || err != nil {
				t.Fatalf("%d bytes of %d come: %v", len(got), w.n, err)
			}
			got = append(got, p[:n]...)
		}
	}
	if parts < 3 || w.err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d parts, %v, %d bytes of %d, or others", parts, w.err, len(got), len(text))
	}
}

// TestErrors has them in the words of package net, by which net/http tells them apart.
func TestErrors(t *testing.T) {
	operation := func(err error) string {
		var told *net.OpError
		if !errors.As(err, &told) {
			t.Fatalf("%T %v", err, err)
		}
		return told.Op
	}
	c, far := pair(t)
	if n, err := c.Read(nil); n != 0 || err != nil {
		t.Errorf("a read of nothing: %d, %v", n, err)
	}
	c.SetReadDeadline(time.Now().Add(-time.Second))
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || operation(err) != "read" {
		t.Errorf("too late to read: %v", err)
	}
	c.SetWriteDeadline(time.Now().Add(-time.Second))
	if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) || operation(err) != "write" {
		t.Errorf("too late to write: %v", err)
	}
	c.SetDeadline(time.Now().Add(patience))
	far.SetLinger(0) //nolint:errcheck // so that it is reset
	far.Close()
	if _, err := c.Read(make([]byte, 1)); err == io.EOF || operation(err) != "read" || !strings.HasPrefix(err.Error(), "read tcp 127.0.0.1:") {
		t.Errorf("reset: %v", err)
	}
	c.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) || operation(err) != "read" {
		t.Errorf("a read when it is closed: %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) || operation(err) != "write" {
		t.Errorf("a write when it is closed: %v", err)
	}
}

// TestNoSocket has a connection that is none.
func TestNoSocket(t *testing.T) {
	near, far := net.Pipe()
	c := new(Conn)
	c.Attach(near)
	go io.WriteString(far, "x") //nolint:errcheck // the read tells
	p := make([]byte, 2)
	if n, err := c.Read(p); n != 1 || err != nil || p[0] != 'x' {
		t.Errorf("%d, %v", n, err)
	}
	if err := c.CloseWrite(); err == nil {
		t.Error("half of a pipe is closed")
	}
	c.Close()
	if _, err := c.Write([]byte("x")); err != io.ErrClosedPipe {
		t.Errorf("a write when it is closed: %v", err)
	}
}
