package main

import (
	"fmt"
	"math"
	"time"

	"nsqsuite/protocol"
)

// memory measures what nsqd has for each of many things.
func memory(b *bench) error {
	head("what", "how many", "bytes each")
	for _, c := range []struct {
		name string
		n    int
		args []string
		put  func(d *broker, n int) (*crowd, error)
	}{
		{"message of 200 B, queued in memory", b.size(200_000, 2_000_000), []string{"--durability=memory", inMemory}, queue},
		{"message of 200 B, queued in memory and file", b.size(200_000, 2_000_000), []string{inMemory}, queue},
		{"message of 200 B, queued in the file", b.size(200_000, 2_000_000), nil, queue},
		{"message of 200 B, in flight, as many in memory", b.size(100_000, 1_000_000), nil, fly},
		{"topic with a channel", b.size(2000, 10_000), nil, topicsOnly},
		{"publisher, idle", b.size(4000, 10_000), nil, idle(false)},
		{"consumer, idle", b.size(4000, 10_000), nil, idle(true)},
	} {
		if err := b.measure(c.name, c.n, c.args, c.put); err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
	}
	return nil
}

const inMemory = "--mem-queue-size=10000000"

func (b *bench) measure(name string, n int, args []string, put func(*broker, int) (*crowd, error)) error {
	d, err := b.start(append([]string{fmt.Sprintf("--max-rdy-count=%d", math.MaxInt32)}, args...)...)
	if err != nil {
		return err
	}
	defer d.end()
	if err := d.create(topicName(0), channelName(0)); err != nil {
		return err
	}
	before, err := d.own()
	if err != nil {
		return err
	}
	c, err := put(d, n)
	if err != nil {
		return err
	}
	defer c.close()
	after, err := d.own()
	row(name, n, (after-before)/int64(n))
	return err
}

// queue publishes to a channel without consumers.
func queue(d *broker, n int) (*crowd, error) {
	l := load{topics: 1, channels: 1, publishers: 1, body: 200, batch: 100, messages: n}
	return newCrowd(0), l.publish(d)
}

// fly has a consumer hold all of them.
func fly(d *broker, n int) (*crowd, error) {
	c := newCrowd(n)
	if err := c.dial(d.TCP, 1, bufferSize); err != nil {
		return nil, err
	}
	if err := c.conns[0].subscribe(topicName(0), channelName(0), n); err != nil {
		return nil, err
	}
	c.each(func(_ int, conn *conn) error {
		for range n {
			if _, _, err := conn.frame(); err != nil {
				return err
			}
			c.took()
		}
		return nil
	})
	if _, err := queue(d, n); err != nil {
		return nil, err
	}
	c.busy.Wait()
	return c, c.err
}

func topicsOnly(d *broker, n int) (*crowd, error) {
	for i := range n {
		if err := d.create(topicName(i+1), channelName(0)); err != nil {
			return nil, err
		}
	}
	return newCrowd(0), nil
}

// idle connects clients that then do nothing.
func idle(consumers bool) func(d *broker, n int) (*crowd, error) {
	return func(d *broker, n int) (*crowd, error) {
		c := newCrowd(0)
		if err := c.dial(d.TCP, n, 512); err != nil {
			return nil, err
		}
		for _, conn := range c.conns {
			var err error
			if consumers {
				err = conn.subscribe(topicName(0), channelName(0), 1)
			} else {
				conn.out = protocol.AppendPub(conn.out, topicName(0)+"publishers", 0, []byte("x"))
				if err = conn.flush(); err == nil {
					err = conn.oks(1)
				}
			}
			if err != nil {
				return c, err
			}
		}
		time.Sleep(settled)
		return c, nil
	}
}

// settled is how long a client has done nothing that is called idle.
const settled = 2 * time.Second
