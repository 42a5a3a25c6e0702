package session

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// TestRepeat has one client's commands take the short way and the long way, which
// the log level debug forces, and holds that the answers are the same.
func TestRepeat(t *testing.T) {
	for seed := range uint64(60) {
		input := repeats(rand.New(rand.NewPCG(seed, 1)))
		short, long := repeatAnswers(t, logging.Info, input), repeatAnswers(t, logging.Debug, input)
		if short != long {
			t.Errorf("seed %d: the short way gives\n%q, the long way\n%q", seed, short, long)
		}
	}
}

// repeats returns commands of which many repeat the ones before; the last may be bad.
func repeats(random *rand.Rand) []byte {
	in := []byte("SUB t c\n")
	for range 2 + random.IntN(20) {
		topic := []string{"t", "t", "u"}[random.IntN(3)]
		switch random.IntN(8) {
		case 0:
			in = protocol.AppendMPub(in, topic, []byte("one"), []byte("two"))
		case 1:
			in = append(in, "FIN 0123456789ABCDEF\nFIN 0123456789abcdef\r\n"...)
		case 2, 3:
			for range random.IntN(5) {
				in = fmt.Appendf(in, "FIN %016x\n", random.Uint64N(20))
			}
		case 4:
			for range random.IntN(5) {
				in = fmt.Appendf(in, "REQ %016x %d\n", random.Uint64N(20), []int64{0, 90, 3600000, 3600001}[random.IntN(4)])
			}
		default:
			delay := []time.Duration{0, 0, time.Second, time.Minute}[random.IntN(4)]
			for range random.IntN(5) {
				in = protocol.AppendPub(in, topic, delay, bytes.Repeat([]byte("x"), 1+random.IntN(smallMsg)))
			}
		}
	}
	switch size := random.IntN(4); size {
	case 0:
		in = append(in, "PUB t\n\x00\x00\x00\x00"...)
	case 1:
		in = protocol.AppendPub(in, "t", 0, make([]byte, smallMsg+1))
	case 2:
		in = append(in, "PUB t\n\xff\xff\xff\xff"...)
	}
	return in
}

func repeatAnswers(t *testing.T, level logging.Level, input []byte) string {
	l := newLive(t, func(c *Config, _ *broker.Config) { c.Log = logging.New(io.Discard, "", level) })
	defer l.close()
	conn := l.connect("tcp")
	if _, err := conn.Write(append([]byte(protocol.MagicV2), input...)); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	answers, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answers)
}
