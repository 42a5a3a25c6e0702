package session

import (
	"bytes"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"nsqsuite/internal/socket"
	"nsqsuite/nsqd/layers"
)

// TestInputBuffers holds which buffer a session on a plain socket has: none while it
// waits with nothing in hand, a small one with little, and a large one in a flood.
func TestInputBuffers(t *testing.T) {
	ln, err := net.Listen("unix", filepath.Join(t.TempDir(), "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("unix", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var in input
	in.attach(layers.New(conn), socket.Raw(conn))
	defer in.release()
	send := func(n int) {
		t.Helper()
		if _, err := client.Write(bytes.Repeat([]byte("x"), n)); err != nil {
			t.Fatal(err)
		}
	}
	fill := func(what string, held, size int) {
		t.Helper()
		if err := in.fill(); err != nil {
			t.Fatal(err)
		}
		if len(in.bytes()) != held || len(in.buf) != size {
			t.Errorf("%s: %d bytes in hand of %d, want %d of %d", what, len(in.bytes()), len(in.buf), held, size)
		}
	}
	wait := func(what string, held, size int) {
		t.Helper()
		conn.SetReadDeadline(time.Now().Add(time.Millisecond)) //nolint:errcheck // the read will tell
		if err := in.fill(); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("%s: %v", what, err)
		}
		conn.SetReadDeadline(time.Time{}) //nolint:errcheck // likewise
		if len(in.bytes()) != held || len(in.buf) != size {
			t.Errorf("%s: %d bytes in hand of %d, want %d of %d", what, len(in.bytes()), len(in.buf), held, size)
		}
	}
	wait("nothing came", 0, 0)
	send(100)
	fill("a little came", 100, bufferSize)
	wait("within a command", 100, trickle)
	send(2*bufferSize - 100)
	fill("the rest, as far as there is room", bufferSize, bufferSize)
	fill("a flood", 2*bufferSize, floodSize)
	in.skip(2*bufferSize - 1000)
	wait("the flood is over", 1000, bufferSize)
	in.skip(1000)
	wait("nothing is in hand", 0, 0)
}
