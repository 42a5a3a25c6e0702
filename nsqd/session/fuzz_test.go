package session

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// FuzzSession sends any bytes to a session, and holds: it ends when its input
// does, allocates no more than that is worth, and answers in whole frames.
func FuzzSession(f *testing.F) {
	for _, seed := range []string{
		"PUB t\n\x00\x00\x00\x01aPUB t\n\x00\x00\x00\x01bNOP\n",
		"MPUB t\n\x00\x00\x00\x0f\x00\x00\x00\x02\x00\x00\x00\x01a\x00\x00\x00\x02bc",
		"DPUB t 1000\n\x00\x00\x00\x01a",
		"IDENTIFY\n\x00\x00\x00\x02{}SUB t c\nRDY 2\nPUB t\n\x00\x00\x00\x01aFIN 0123456789abcdef\nCLS\n",
		"SUB t c\nREQ 0123456789abcdef 0\nTOUCH 0123456789abcdef\nRDY \nRDY x\n",
		"AUTH\n\x00\x00\x00\x01s", "\n", "  \r\n", "PUB t\n\xff\xff\xff\xff", "MPUB t\n\x7f\xff\xff\xff\x7f\xff\xff\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		l := newLive(t)
		defer l.close()
		for _, topic := range []string{"t", "u"} {
			l.channel(topic, "all")
		}
		conn := l.connect("tcp")
		go func() {
			conn.Write(append([]byte(protocol.MagicV2), input...)) //nolint:errcheck // it may be closed early
			conn.(*net.TCPConn).CloseWrite()                       //nolint:errcheck // likewise
		}()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		answers, end := io.ReadAll(conn) // a reset may cut a frame off
		runtime.ReadMemStats(&after)
		if grown := after.TotalAlloc - before.TotalAlloc; grown > 4<<20+100*uint64(len(input)) {
			t.Errorf("%d bytes were allocated for %d", grown, len(input))
		}
		in := bytes.NewReader(answers)
		for in.Len() > 0 && end == nil {
			if _, _, err := protocol.ReadFrame(in, 1<<20); err != nil {
				t.Errorf("%q: %v", answers, err)
			}
		}
	})
}

// FuzzPublishers has a publisher send a program of commands made of the input,
// valid ones among bad ones, and holds that exactly what was answered by OK can
// be consumed, in order.
func FuzzPublishers(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7})
	f.Add([]byte{1, 1, 1, 0, 0, 0, 2, 2, 2, 5})
	f.Add([]byte{0, 6})
	f.Fuzz(func(t *testing.T, program []byte) {
		if len(program) > 200 {
			return
		}
		l := newLive(t, func(c *Config, _ *broker.Config) { c.MaxMsgSize = 10 })
		defer l.close()
		l.channel("t", "c")
		publisher := l.client(transports[0], false)
		var sent []byte
		var want []string // bodies, one string for each OK due
		over := false
		for i, op := range program {
			one, two := fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)
			batch := ""
			switch op % 7 {
			case 0, 1:
				sent, batch = protocol.AppendPub(sent, "t", 0, []byte(one)), one
			case 2:
				sent, batch = protocol.AppendMPub(sent, "t", []byte(one), []byte(two)), one+" "+two
			case 3:
				sent = protocol.AppendCommand(sent, "NOP")
			case 4:
				sent, batch = protocol.AppendPub(sent, "other", 0, []byte(one)), "-"
			case 5:
				sent = protocol.AppendBody(protocol.AppendCommand(sent, "DPUB", "t", "0"), []byte(one))
				batch = one
			case 6:
				sent, over = protocol.AppendPub(sent, "t", 0, make([]byte, 11)), true
			}
			if batch != "" {
				want = append(want, batch)
			}
			if over {
				break
			}
		}
		publisher.write(sent)
		for range want {
			if got := <-publisher.frames; got.data != protocol.OK {
				t.Fatalf("%q instead of OK", got.text())
			}
		}
		if over {
			if got := <-publisher.frames; got.kind != protocol.FrameError {
				t.Fatalf("%q instead of an error", got.text())
			}
		}
		consumer := l.client(transports[0], false)
		consumer.write([]byte("SUB t c\nRDY 2500\n"))
		<-consumer.frames
		total := uint64(0)
		for _, batch := range want {
			for _, body := range bytes.Fields([]byte(batch)) {
				if string(body) == "-" {
					continue
				}
				total++
				f := <-consumer.frames
				m, err := protocol.DecodeMessage([]byte(f.data))
				if err != nil || !bytes.Equal(m.Body, body) {
					t.Fatalf("%q, %v, want %q", f.text(), err, body)
				}
			}
		}
		if n := l.channel("t", "c").Stats().Messages; n != total {
			t.Fatalf("%d messages, %d were acknowledged", n, total)
		}
	})
}

// FuzzLayers sends any bytes where a layer's own are due: the session ends.
func FuzzLayers(f *testing.F) {
	f.Add(uint8(0), []byte("\xff\x06\x00\x00sNaPpY\x01\x08\x00\x00\x00\x00\x00\x00NOP\n"))
	f.Add(uint8(1), []byte("\xf2\xf3\x0f\xe0\x02\x00\x00\x00\xff\xff"))
	f.Add(uint8(2), []byte("\x17\x03\x03\x00\x05hello"))
	f.Add(uint8(3), []byte("\x16\x03\x01\x00\x05hello"))
	f.Fuzz(func(t *testing.T, which uint8, input []byte) {
		l := newLive(t)
		defer l.close()
		over := []transport{{squeeze: "snappy"}, {squeeze: "deflate"}, {tls: true}, {}}[which%4]
		over.network = "tcp"
		c := l.connectClient(over, false)
		if which%4 == 3 { // instead of a handshake
			c.write(protocol.AppendBody([]byte("IDENTIFY\n"), []byte(`{"feature_negotiation":true,"tls_v1":true}`)))
			if _, _, err := protocol.ReadFrame(c.r, 1000); err != nil {
				t.Fatal(err)
			}
		}
		go func() {
			c.conn.Write(input)                //nolint:errcheck // it may be closed early
			c.conn.(*net.TCPConn).CloseWrite() //nolint:errcheck // likewise
		}()
		io.Copy(io.Discard, c.conn) //nolint:errcheck // a reset is an end, too
	})
}
