package broker

import (
	"errors"
	"flag"
	"fmt"
	"testing"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
)

var (
	restartTopics   = flag.Int("topics", 100, "topics of BenchmarkRestart")
	restartMessages = flag.Int("messages", 100_000, "messages of BenchmarkRestart, over all topics")
)

// BenchmarkRestart opens many topics full of messages and takes the first one:
// after a Close, and after a kill, when the ends of the logs are read.
func BenchmarkRestart(b *testing.B) {
	dir := b.TempDir()
	open := func() *Broker {
		broker := New(Config{Store: diskqueue.NewStore(vfs.OS, dir, 0), MemQueueSize: 1000, Durability: diskqueue.Write})
		if err := broker.Restore(nil); err != nil {
			b.Fatal(err)
		}
		return broker
	}
	name := func(i int) string { return fmt.Sprintf("topic%d", i) }
	broker := open()
	batch := make([]Message, 100)
	for i := range batch {
		batch[i].Body = make([]byte, 100)
	}
	for i := range *restartTopics {
		t, err := broker.Topic(name(i))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := t.Channel("c"); err != nil {
			b.Fatal(err)
		}
		for range *restartMessages / *restartTopics / len(batch) {
			if err := t.Publish(batch); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := broker.Close(); err != nil {
		b.Fatal(err)
	}
	ends := map[string]func(*Broker) error{
		"closed": (*Broker).Close,
		"killed": func(broker *Broker) (err error) {
			for _, t := range broker.Topics() { // of each of them the journal does not know the end
				err = errors.Join(err, t.Publish(batch[:1]), t.log.Close())
			}
			return err
		},
	}
	for how, end := range ends {
		b.Run(how, func(b *testing.B) {
			if err := end(open()); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				began := time.Now()
				broker := open()
				b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-open")
				takeFirst(b, broker, name(*restartTopics/2))
				b.ReportMetric(float64(time.Since(began).Milliseconds()), "ms-first-delivery")
				b.StopTimer()
				if err := end(broker); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

// takeFirst receives a message of the topic's channel c.
func takeFirst(b *testing.B, broker *Broker, topic string) {
	b.Helper()
	t, _ := broker.FindTopic(topic)
	c, ok := t.FindChannel("c")
	if !ok {
		b.Fatal("the channel is gone")
	}
	s, err := c.Subscribe(Consumer{MsgTimeout: time.Minute, Wake: func() {}, Close: func() {}})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Unsubscribe()
	s.SetReady(1)
	var r Run
	if ok, err := s.Receive(&r, 1<<20); !ok || err != nil {
		b.Fatal(ok, err)
	}
	r.Release()
}
