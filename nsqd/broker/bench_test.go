package broker

import (
	"fmt"
	"testing"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
	"nsqsuite/protocol"
)

// benchTopic returns a topic on the real file system with channels and a consumer on each.
func benchTopic(b *testing.B, d diskqueue.Durability, channels int) (*Topic, []*Subscription) {
	b.Helper()
	br := New(Config{Store: diskqueue.NewStore(vfs.OS, b.TempDir(), 0), MemQueueSize: 10000, Durability: d})
	t, err := br.Topic("bench")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { br.DeleteTopic("bench") }) //nolint:errcheck // the folder goes anyway
	var subs []*Subscription
	for i := range channels {
		c, err := t.Channel(fmt.Sprint("c", i))
		if err != nil {
			b.Fatal(err)
		}
		s, err := c.Subscribe(Consumer{MsgTimeout: time.Minute, Wake: func() {}, Close: func() {}})
		if err != nil {
			b.Fatal(err)
		}
		s.SetReady(2500)
		subs = append(subs, s)
	}
	return t, subs
}

// drain takes everything there is for s, and lets handle have the IDs' numbers of each run.
func drain(b *testing.B, s *Subscription, r *Run, size int, numbers []uint64, handle func([]uint64)) {
	for {
		more, err := s.Receive(r, 256<<10)
		if err != nil {
			b.Fatal(err)
		}
		if !more {
			return
		}
		numbers = numbers[:0]
		for _, p := range r.Buffers() {
			for ; len(p) > 0; p = p[size:] {
				numbers = append(numbers, numberIn(p))
			}
		}
		r.Release()
		handle(numbers)
	}
}

// numberIn returns the number of the ID in a message frame.
func numberIn(frame []byte) uint64 {
	number, ok := protocol.ParseMessageID(protocol.MessageID(frame[18:34]))
	if !ok {
		panic("not an ID")
	}
	return number
}

// BenchmarkMessage takes messages through the core: published in batches of 100,
// handed out and finished in runs.
func BenchmarkMessage(b *testing.B) {
	const batch, body = 100, 200
	for _, d := range []diskqueue.Durability{diskqueue.Memory, diskqueue.Write} {
		for _, channels := range []int{1, 8} {
			for _, requeue := range []bool{false, true} {
				b.Run(fmt.Sprintf("durability%d/channels%d/requeue=%v", d, channels, requeue), func(b *testing.B) {
					t, subs := benchTopic(b, d, channels)
					messages := make([]Message, batch)
					for i := range messages {
						messages[i].Body = make([]byte, body)
					}
					numbers := make([]uint64, 0, MaxRun)
					again, r := requeue, new(Run)
					b.ReportAllocs()
					for b.Loop() {
						if err := t.Publish(messages); err != nil {
							b.Fatal(err)
						}
						for _, s := range subs {
							again = requeue
							drain(b, s, r, protocol.MessageFrameHeaderSize+body, numbers, func(numbers []uint64) {
								if again {
									again = false
									for _, number := range numbers {
										if err := s.Requeue(protocol.NewMessageID(number), 0); err != nil {
											b.Fatal(err)
										}
									}
									return
								}
								s.FinishAll(numbers, func(_ uint64, err error) { b.Fatal(err) })
							})
						}
					}
					b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*batch*channels), "ns/delivery")
				})
			}
		}
	}
}

// BenchmarkNewTopic makes topics with a channel and a message each.
func BenchmarkNewTopic(b *testing.B) {
	br := New(Config{Store: diskqueue.NewStore(vfs.OS, b.TempDir(), 0), MemQueueSize: 10000, Durability: diskqueue.Write})
	i := 0
	for b.Loop() {
		t, err := br.Topic(fmt.Sprint("t", i))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := t.Channel("c"); err != nil {
			b.Fatal(err)
		}
		if err := t.Publish([]Message{{Body: []byte("x")}}); err != nil {
			b.Fatal(err)
		}
		i++
	}
	start := time.Now()
	for _, t := range br.Topics() {
		t.tend()
	}
	b.ReportMetric(float64(time.Since(start).Microseconds())/float64(i), "µs-tend/topic")
	start = time.Now()
	if err := br.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(time.Since(start).Microseconds())/float64(i), "µs-close/topic")
}
