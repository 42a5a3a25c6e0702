package nsqlookupd

import (
	"bytes"
	"io"
	"net"
	"testing"
)

// TestAfterPing has a peer go on after a PING, when its session is calm, in all the
// ways there are.
func TestAfterPing(t *testing.T) {
	d := start(t)
	type step struct {
		send string
		oks  int
	}
	for name, steps := range map[string][]step{
		"PING":                {{"PING\n", 1}, {"PING\n", 1}},
		"in pieces":           {{"PI", 0}, {"NG", 0}, {"\n", 1}},
		"several at a time":   {{"PING\nPING\nPING\nREGISTER t\nPING\n", 5}, {"PING\n", 1}},
		"longer than a doze":  {{"REGISTER a.topic.with.a.long.name and.a.channel\n", 1}, {"PING\n", 1}},
		"PING in another way": {{" PING \r\n", 1}, {"REGISTER t c\n", 1}},
	} {
		t.Run(name, func(t *testing.T) {
			c := d.join(t, name, 1)
			c.send("PING\n")
			c.expect("OK")
			for _, s := range steps {
				c.send(s.send)
				for range s.oks {
					c.expect("OK")
				}
			}
			c.Close()
			d.gone(t, c)
		})
	}
}

// TestWire writes more than a socket takes at once, and reads to the end.
func TestWire(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	peer, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer peer.Close()
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	w := newWire(conn)
	text := bytes.Repeat([]byte("an answer"), 1<<20)
	go func() {
		w.Write(text) //nolint:errcheck // the comparison tells
		w.CloseWrite()
	}()
	if got, err := io.ReadAll(peer); err != nil || !bytes.Equal(got, text) {
		t.Errorf("%d bytes of %d, %v", len(got), len(text), err)
	}
	peer.Write([]byte("1234567890123456789")) //nolint:errcheck // likewise
	peer.Close()
	w.doze()
	if got, err := io.ReadAll(w); err != nil || string(got) != "1234567890123456789" {
		t.Errorf("%q, %v", got, err)
	}
	w.Close()
	if n, err := w.Write(text); n != 0 || err == nil {
		t.Errorf("%d bytes written when closed, %v", n, err)
	}
}
