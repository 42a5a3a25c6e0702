package session

import (
	"runtime"
	"testing"
)

// TestIdleSessionsCostLittle holds what a consumer costs in memory that has had a
// burst and waits: stacks and both ends of the socket included, and for deflate
// the compressors that are still held.
func TestIdleSessionsCostLittle(t *testing.T) {
	const n = 100
	used := func() int {
		runtime.GC()
		runtime.GC() // the first one keeps what is in pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int(m.HeapInuse + m.StackInuse)
	}
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
