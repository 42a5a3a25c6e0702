package broker

import (
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/protocol"
)

// FuzzLimits has a channel with ever other limits lose and refuse messages, as the
// input says, byte by byte: nothing in flight is lost, and all is accounted for.
func FuzzLimits(f *testing.F) {
	f.Add([]byte("\x10\x3f\x21\x45\x10\x3f\x62\x3f\x83\x11\x3f\xa4\x3f\xc1\x21\x3f\xe0\x3f"))
	f.Add([]byte("\x87\x1f\x1f\x2f\x1f\x4f\x1f\x67\x1f\xe7\x1f\xc9\x1f\x2f\x1f\xff"))
	f.Add([]byte("\xa8\x1f\x3f\x1f\x2f\x44\x1f\x3f\x61\x1f\x1f\xa1\x1f\x2f\x1f\xc3"))
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 300 {
			t.Skip()
		}
		synctest.Test(t, func(t *testing.T) { fuzzLimits(t, script) })
	})
}

func fuzzLimits(t *testing.T, script []byte) {
	b := newBroker(t, newFS(), func(c *Config) { c.MemQueueSize = 20 })
	tp, c := topicAndChannel(t, b, "t", "c")
	k := subscribe(t, c, 0)
	var flying []protocol.Message
	published, finished := int64(0), int64(0)
	for _, op := range script {
		n := int(op & 31)
		switch op >> 5 {
		case 0, 1:
			batch := make([]Message, 1+n)
			for i := range batch {
				batch[i] = Message{Body: make([]byte, 1+i*n), Delay: time.Duration(op>>5*op%3) * time.Second}
			}
			err := tp.Publish(batch)
			if err == nil {
				published += int64(len(batch))
			} else if !Refuses(err) {
				t.Fatal(err)
			}
		case 2:
			k.SetReady(n)
			flying = append(flying, k.take(t)...)
		case 3:
			n = min(n, len(flying))
			k.mustFinish(t, flying[:n]...)
			flying, finished = flying[n:], finished+int64(n)
		case 4:
			c.SetLimits(own([]protocol.Overflow{protocol.Reject, protocol.DropOldest}[n%2], int64(n), 0, 0))
		case 5:
			c.SetLimits(own([]protocol.Overflow{protocol.Reject, protocol.DropOldest}[n%2], 0, int64(n)*100, 0))
		case 6:
			c.SetLimits(own(protocol.Reject, 0, 0, time.Duration(n)*time.Second/4))
			pass(time.Second)
			tp.tend()
		default:
			for _, m := range flying[:min(n, len(flying))] {
				if err := k.Requeue(m.ID, time.Duration(n%3)*time.Second); err != nil {
					t.Fatal(err)
				}
			}
			flying = flying[min(n, len(flying)):]
		}
		s := c.Stats()
		if s.InFlight != int64(len(flying)) {
			t.Fatalf("%d messages are in flight, not %d", s.InFlight, len(flying))
		}
		if kept := s.Depth + s.InFlight + s.Deferred; kept+int64(s.Dropped+s.Expired)+finished != published {
			t.Fatalf("%d are kept, %d dropped, %d too old, %d finished, but %d were published", kept, s.Dropped, s.Expired, finished, published)
		}
		l := s.Limits
		if l != nil && l.Overflow == protocol.DropOldest && l.MaxDepth > 0 && l.Depth > max(l.MaxDepth, s.InFlight) {
			t.Fatalf("%+v, %d in flight", l, s.InFlight)
		}
		if l != nil && l.Overflow == protocol.DropOldest && l.MaxBytes > 0 && l.Bytes > l.MaxBytes && l.Depth > s.InFlight {
			t.Fatalf("%+v, %d in flight", l, s.InFlight)
		}
	}
	k.mustFinish(t, flying...)
}
