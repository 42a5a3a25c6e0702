package session

import (
	"runtime"
	"testing"

	"nsqsuite/protocol"
)

// used returns the bytes of heap and stacks in use.
func used() int {
	runtime.GC()
	runtime.GC() // the first one keeps what is in pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapInuse + m.StackInuse)
}

// TestIdleSessionsCostLittle holds what a consumer costs in memory that has had a
// burst and waits: stacks and both ends of the socket included, and for deflate
// the compressors that are still held.
func TestIdleSessionsCostLittle(t *testing.T) {
	const n = 100
	burst := ""
	for range 300 {
		burst += "PUB t#ephemeral\n\x00\x00\x00\x01x"
	}
	for _, over := range transports {
		t.Run(over.name, func(t *testing.T) {
			l := newLive(t)
			defer l.close()
			before := used()
			for range n {
				c := l.connectClient(over, false)
				c.write([]byte(burst))
				for range 300 {
					if err := c.readOK(); err != nil {
						t.Fatal(err)
					}
				}
				c.write([]byte("NOP\n"))
			}
			most := 64 << 10
			if over.squeeze == "deflate" {
				most = 1 << 20
			}
			if each := (used() - before) / n; each > most {
				t.Errorf("%d bytes a session, at most %d", each, most)
			} else {
				t.Logf("%d bytes", each)
			}
		})
	}
}

// TestCalmSessionsCostLessStill holds the same for many that are calm, without what
// there is once. About half of it is the other end.
func TestCalmSessionsCostLessStill(t *testing.T) {
	const n, most = 500, 8 << 10
	l := newLive(t)
	defer l.close()
	connect := func() {
		for range n {
			c := l.connectClient(transports[0], false)
			c.write(protocol.AppendBody([]byte("IDENTIFY\n"), []byte(`{"client_id":"some client","hostname":"host-17.example.net","user_agent":"some-library/1.2.3","feature_negotiation":true}`)))
			if _, _, err := protocol.ReadFrame(c.r, 1<<12); err != nil {
				t.Fatal(err)
			}
			c.write([]byte("SUB t c\n"))
			if err := c.readOK(); err != nil {
				t.Fatal(err)
			}
			c.write([]byte("RDY 1\n"))
		}
	}
	connect()
	awaitCalm(t, n)
	before := used()
	connect()
	awaitCalm(t, 2*n)
	if each := (used() - before) / n; each > most {
		t.Errorf("%d bytes a session, at most %d", each, most)
	} else {
		t.Logf("%d bytes", each)
	}
}
