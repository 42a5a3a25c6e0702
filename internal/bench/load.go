package main

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"nsqsuite/protocol"
)

const (
	// patience is for how long nothing may come before a load counts as hanging.
	patience = 20 * time.Second
	// window is how many commands a publisher leaves unanswered, and windowBytes how many bytes.
	window      = 512
	windowBytes = 8 << 20
	maxReady    = 2500
)

// crowd is connections that do one thing together.
type crowd struct {
	conns []*conn
	busy  sync.WaitGroup
	left  atomic.Int64 // messages that consumers still wait for
	done  chan struct{}

	mu  sync.Mutex
	err error
}

func newCrowd(wait int) *crowd {
	c := &crowd{done: make(chan struct{})}
	c.left.Store(int64(wait))
	return c
}

// dial adds connections.
func (c *crowd) dial(address string, n, buffer int) error {
	for range n {
		conn, err := dial(address, protocol.MagicV2, buffer)
		if err != nil {
			return err
		}
		c.conns = append(c.conns, conn)
	}
	return nil
}

// each runs f for all connections at once.
func (c *crowd) each(f func(i int, conn *conn) error) {
	for i, conn := range c.conns {
		c.busy.Go(func() {
			if err := f(i, conn); err != nil {
				c.mu.Lock()
				c.err = errors.Join(c.err, err)
				c.mu.Unlock()
				c.close() // the others shall not wait for what does not come
			}
		})
	}
}

// took notes that a message has come.
func (c *crowd) took() {
	if c.left.Add(-1) == 0 {
		close(c.done)
	}
}

// wait waits until all has come or somebody failed, and has the consumers leave.
func (c *crowd) wait() error {
	ended := make(chan struct{})
	go func() { c.busy.Wait(); close(ended) }()
	poll := time.NewTicker(patience)
	defer poll.Stop()
	done := c.done
	for before := int64(-1); ; {
		select {
		case <-ended:
			return c.err
		case <-done:
			done = nil
			for _, conn := range c.conns {
				conn.SetReadDeadline(time.Unix(1, 0)) //nolint:errcheck // then consume does not end, and patience does
			}
		case <-poll.C:
			if left := c.left.Load(); left != before {
				before = left
				continue
			}
			c.close()
			<-ended
			return errors.Join(c.err, fmt.Errorf("it hangs, %d messages are missing", before))
		}
	}
}

func (c *crowd) close() {
	for _, conn := range c.conns {
		conn.Close()
	}
}

// load is a stream of messages from publishers through topics and channels to consumers.
type load struct {
	topics, channels      int
	publishers, consumers int // consumers of each channel
	body, batch, messages int // batch: messages in an MPUB; 0: PUB
	args                  []string
}

func topicName(i int) string   { return fmt.Sprintf("topic%d", i) }
func channelName(i int) string { return fmt.Sprintf("channel%d", i) }

// create makes the load's topics and channels.
func (l *load) create(d *broker) error {
	names := make([]string, l.channels)
	for i := range names {
		names[i] = channelName(i)
	}
	for i := range l.topics {
		if err := d.create(topicName(i), names...); err != nil {
			return err
		}
	}
	return nil
}

// publish sends all messages, over topics in turn.
func (l *load) publish(d *broker) error {
	p := newCrowd(0)
	defer p.close()
	if err := p.dial(d.TCP, l.publishers, 4<<10); err != nil {
		return err
	}
	body := make([]byte, l.body)
	list := make([][]byte, l.batch)
	for i := range list {
		list[i] = body
	}
	n := l.messages / l.publishers / max(l.batch, 1)
	unanswered := max(2, min(window, windowBytes/(l.body*max(l.batch, 1))))
	p.each(func(i int, c *conn) error {
		return c.send(n, unanswered, func(dst []byte, k int) []byte {
			topic := topicName((i + k*l.publishers) % l.topics)
			if l.batch > 0 {
				return protocol.AppendMPub(dst, topic, list...)
			}
			return protocol.AppendPub(dst, topic, 0, body)
		})
	})
	p.busy.Wait()
	return p.err
}

// published returns how many messages publish sends.
func (l *load) published() int {
	unit := l.publishers * max(l.batch, 1)
	return l.messages / unit * unit
}

// attach subscribes the consumers, which take messages until all have come.
func (l *load) attach(d *broker) (*crowd, error) {
	c := newCrowd(l.published() * l.channels)
	perTopic := l.channels * l.consumers
	buffer := min(bufferSize, max(16<<10, 64<<20/(l.topics*perTopic)))
	if err := c.dial(d.TCP, l.topics*perTopic, buffer); err != nil {
		c.close()
		return nil, err
	}
	for i, conn := range c.conns {
		if err := conn.subscribe(topicName(i/perTopic), channelName(i%perTopic/l.consumers), maxReady); err != nil {
			c.close()
			return nil, err
		}
	}
	c.each(func(_ int, conn *conn) error {
		return conn.consume(func(dst []byte, m protocol.Message) []byte {
			if len(m.Body) != l.body {
				return protocol.AppendCommand(dst, "wrong body") // whose answer is an error
			}
			return append(append(append(dst, "FIN "...), m.ID[:]...), '\n')
		}, c.took)
	})
	return c, nil
}

// stream runs the load through a life of nsqd. It returns what that cost, and how long it took.
func (b *bench) stream(l load) (cpu, took time.Duration, err error) {
	d, err := b.start(l.args...)
	if err != nil {
		return 0, 0, err
	}
	defer d.end()
	if err := l.create(d); err != nil {
		return 0, 0, err
	}
	c, err := l.attach(d)
	if err != nil {
		return 0, 0, err
	}
	defer c.close()
	started := time.Now()
	cpu, err = d.cpu(func() error { return errors.Join(l.publish(d), c.wait()) })
	return cpu, time.Since(started), err
}

// pubTo returns what appends a PUB of size bytes.
func pubTo(topic string, size int) func(dst []byte, i int) []byte {
	command := protocol.AppendPub(nil, topic, 0, make([]byte, size))
	return func(dst []byte, _ int) []byte { return append(dst, command...) }
}
