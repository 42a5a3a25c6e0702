package session

import (
	"bufio"
	"bytes"
	"io"
	"testing"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// pipelined is how many commands a benchmark's client sends before it reads the answers.
const pipelined = 100

// BenchmarkPublish publishes 200 bytes at a time, over each transport.
func BenchmarkPublish(b *testing.B) {
	for _, over := range transports {
		b.Run(over.name, func(b *testing.B) {
			l := newLive(b, func(_ *Config, c *broker.Config) { c.MemQueueSize = 1000 })
			defer l.close()
			c := l.connectClient(over, false)
			body := bytes.Repeat([]byte("0123456789"), 20)
			var burst []byte
			for range pipelined {
				burst = protocol.AppendPub(burst, "t#ephemeral", 0, body)
			}
			answers := make([]byte, pipelined*len(okFrame))
			b.ReportAllocs()
			for i := 0; i < b.N; i += pipelined {
				c.write(burst)
				if _, err := io.ReadFull(c.r, answers); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkConsume receives and finishes 200 bytes at a time, over each transport.
func BenchmarkConsume(b *testing.B) {
	for _, over := range transports {
		b.Run(over.name, func(b *testing.B) {
			l := newLive(b, func(_ *Config, c *broker.Config) { c.MemQueueSize = 1 << 40 })
			defer l.close()
			l.channel("t#ephemeral", "c")
			topic, _ := l.broker.FindTopic("t#ephemeral")
			batch := make([]broker.Message, pipelined)
			for i := range batch {
				batch[i].Body = bytes.Repeat([]byte("0123456789"), 20)
			}
			for i := 0; i < b.N; i += pipelined {
				if err := topic.Publish(batch); err != nil {
					b.Fatal(err)
				}
			}
			c := l.connectClient(over, false)
			in := bufio.NewReaderSize(c.r, 64<<10)
			b.ReportAllocs()
			b.ResetTimer()
			c.write([]byte("SUB t#ephemeral c\nRDY 1000\n"))
			if _, _, err := protocol.ReadFrame(in, 100); err != nil {
				b.Fatal(err)
			}
			var fins []byte
			for i := 0; i < b.N; i++ {
				frame, err := in.Peek(protocol.MessageFrameHeaderSize + 200)
				if err != nil {
					b.Fatal(err)
				}
				fins = protocol.AppendCommand(fins, "FIN", string(frame[protocol.FrameHeaderSize+10:protocol.MessageFrameHeaderSize]))
				in.Discard(len(frame)) //nolint:errcheck // it has been seen
				if i%pipelined == pipelined-1 {
					c.write(fins)
					fins = fins[:0]
				}
			}
		})
	}
}
