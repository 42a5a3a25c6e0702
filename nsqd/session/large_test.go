package session

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// mega is a --max-msg-size with which bodies go through rooms.
func mega(c *Config, _ *broker.Config) { c.MaxMsgSize, c.MaxBodySize = 1<<20, 5<<20 }

// TestLarge publishes bodies of all sizes in pieces of all sizes, and has them come back.
func TestLarge(t *testing.T) {
	sizes := []int{1, 200, roomFrom - 1, roomFrom, roomFrom + 1, 3 * roomFrom, 300_000, 1 << 20}
	for _, over := range transports {
		t.Run(over.name, func(t *testing.T) {
			l := newLive(t, mega)
			defer l.close()
			s := &transcript{t: t, live: l, over: over}
			s.run("c> SUB t c\nc< OK\nc> RDY 2500")
			dice := rand.New(rand.NewPCG(1, 2))
			var sent [][]byte
			var stream []byte
			for i := range 40 {
				body := bytes.Repeat([]byte{byte('a' + i%26)}, sizes[dice.IntN(len(sizes))])
				sent = append(sent, body)
				if dice.IntN(4) == 0 {
					stream = protocol.AppendMPub(stream, "t", body)
				} else {
					stream = protocol.AppendPub(stream, "t", 0, body)
				}
			}
			for len(stream) > 0 {
				n := min(1+dice.IntN(1<<uint(1+dice.IntN(19))), len(stream))
				s.client("").write(stream[:n])
				stream = stream[n:]
			}
			for i, body := range sent {
				s.line = fmt.Sprintf("message %d of %d bytes", i, len(body))
				s.expect(s.client(""), "OK")
				if f := s.next(s.client("c")); f.err != nil || f.data[protocol.MessageHeaderSize:] != string(body) {
					t.Fatalf("%s: %d bytes %v", s.line, len(f.data), f.err)
				}
			}
		})
	}
}

// TestLargeFails has large bodies cut short, refused for want of room, and sent where
// they may not be: none of them keeps memory.
func TestLargeFails(t *testing.T) {
	for name, script := range map[string]string{
		"full":      "> PUB t [100000*a]\n< OK\n> PUB t [100000*b]\n< ! E_PUB_FAILED …\n> DPUB t 5 [100000*b]\n< ! E_DPUB_FAILED …\n! empty t c\n> PUB t [100000*c]\n< OK\n! empty t c",
		"cut short": ">. PUB t\\n\\x00\\x01\\x00\\x00aaaa\n! leave",
		"too big":   "> PUB t [1048577*a]\n< ! E_BAD_MESSAGE PUB message too big 1048577 > 1048576\n< eof",
	} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t, mega, func(_ *Config, b *broker.Config) { b.ChannelLimits.MaxDepth = 1 })
			defer l.close()
			s := &transcript{t: t, live: l, over: transports[0]}
			s.run("c> SUB t c\nc< OK\n" + script)
			nsqtest.Eventually(t, patience, "no memory but the newest message's", func() bool { return l.broker.MemoryUsed() < 150_000 })
		})
	}
}
