package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"nsqsuite/protocol"
)

// The bounds of what a consumer does.
const (
	maxReady     = 50
	maxRequeue   = 800 * time.Millisecond
	hangUpWithin = 400 // messages after which a consumer connects anew, at most
	lastReady    = 500 // of the consumers that take everything at the end
)

// consumer takes messages from a channel of a topic and answers as the dice fall.
type consumer struct {
	recorder *recorder
	dice     *rand.Rand
	topic    int
	channel  int
	names    [2]string
	nextConn func() int
	last     bool // finish everything at once

	wire     *wire
	conn     int
	messages map[protocol.MessageID]int
	touched  []protocol.MessageID // to be finished when that was processed
	out      []byte
	sent     int         // answers so far …
	barriers map[int]int // … when the barrier of this number was sent
	barrier  int         // the last one
}

// run consumes until nsqd is gone, over one connection after the other.
func (c *consumer) run(ctx context.Context, address string) {
	for ctx.Err() == nil {
		if !c.connection(ctx, address) {
			return
		}
	}
}

// connection consumes over one connection, and tells whether to have another.
func (c *consumer) connection(ctx context.Context, address string) (another bool) {
	w, err := dial(address)
	if err != nil {
		return false
	}
	c.wire, c.conn = w, c.nextConn()
	c.messages, c.barriers = map[protocol.MessageID]int{}, map[int]int{}
	c.touched, c.sent, c.barrier = nil, 0, 0
	hangUp := func() {
		// What nsqd does because of it comes after this event.
		c.recorder.add(event{Kind: closed, Conn: c.conn})
		w.Close()
	}
	stop := context.AfterFunc(ctx, func() { w.Close() })
	defer stop()
	defer hangUp()
	ready := 1 + c.dice.IntN(maxReady)
	left := 1 + c.dice.IntN(hangUpWithin)
	if c.last {
		ready, left = lastReady, int(^uint(0)>>1)
	}
	c.out = protocol.AppendCommand(c.out[:0], "SUB", c.names[0], c.names[1])
	c.out = protocol.AppendCommand(c.out, "RDY", strconv.Itoa(ready))
	if _, err := w.Write(c.out); err != nil {
		return false
	}
	c.out = c.out[:0]
	if ok, err := w.expectOK(); err != nil || !ok {
		return false
	}
	for ; left > 0; left-- {
		if err := c.step(); err != nil {
			return false
		}
	}
	return true
}

// step handles one frame, and sends what is to be said when no further one is there.
func (c *consumer) step() error {
	t, data, err := c.wire.read()
	if err != nil {
		return err
	}
	switch t {
	case protocol.FrameMessage:
		m, err := protocol.DecodeMessage(data)
		if err != nil {
			return err
		}
		c.received(m)
	case protocol.FrameError:
		if err := c.refused(data); err != nil {
			return err
		}
	}
	if c.wire.in.Buffered() > 0 || len(c.out) == 0 {
		return nil
	}
	return c.flush()
}

// refused takes in an error: a barrier, or that an answer came too late.
func (c *consumer) refused(data []byte) error {
	of, id, ok := failure(data)
	if !ok {
		return fmt.Errorf("nsqd says %q", data)
	}
	if message, ok := c.messages[id]; ok {
		c.recorder.add(event{Kind: failed, Of: of, Message: message, Channel: c.channel, Conn: c.conn})
		return nil
	}
	n, _ := protocol.ParseMessageID(id)
	sent, ok := c.barriers[int(n)]
	if !ok {
		return fmt.Errorf("nsqd says %q of a message it never sent", data)
	}
	delete(c.barriers, int(n))
	c.recorder.add(event{Kind: confirmed, Conn: c.conn, Pending: c.sent - sent})
	for _, id := range c.touched {
		c.answer(finish, id, 0)
	}
	c.touched = c.touched[:0]
	return nil
}

// received decides what becomes of a message.
func (c *consumer) received(m protocol.Message) {
	message, ok := parseBody(m.Body)
	if topic, known := c.recorder.topic(message); !ok || !known || topic != c.topic {
		c.recorder.add(event{Kind: altered, Message: message, Channel: c.channel, Conn: c.conn})
		c.out = protocol.AppendCommand(c.out, "FIN", m.ID.String())
		return
	}
	c.messages[m.ID] = message
	c.recorder.add(event{Kind: delivered, Message: message, Channel: c.channel, Conn: c.conn})
	switch n := c.dice.IntN(100); {
	case n < 75 || c.last:
		c.answer(finish, m.ID, 0)
	case n < 82:
		c.answer(requeue, m.ID, 0)
	case n < 90:
		c.answer(requeue, m.ID, time.Duration(1+c.dice.Int64N(maxRequeue.Milliseconds()))*time.Millisecond)
	case n < 95:
		c.answer(touch, m.ID, 0)
		c.touched = append(c.touched, m.ID)
	case n < 97:
		c.answer(touch, m.ID, 0) // and let it time out
	}
}

// answer notes an answer to a message and puts it in the buffer.
func (c *consumer) answer(k kind, id protocol.MessageID, delay time.Duration) {
	c.recorder.add(event{Kind: k, Message: c.messages[id], Channel: c.channel, Conn: c.conn, Delay: delay})
	c.sent++
	switch k {
	case finish:
		c.out = protocol.AppendCommand(c.out, "FIN", id.String())
	case requeue:
		c.out = protocol.AppendCommand(c.out, "REQ", id.String(), strconv.FormatInt(delay.Milliseconds(), 10))
	case touch:
		c.out = protocol.AppendCommand(c.out, "TOUCH", id.String())
	}
}

// flush sends the answers, and a barrier behind them.
func (c *consumer) flush() error {
	// No message has such a small ID: a node number and the time are in nsqd's.
	c.barrier++
	c.barriers[c.barrier] = c.sent
	c.out = protocol.AppendCommand(c.out, "TOUCH", protocol.NewMessageID(uint64(c.barrier)).String())
	_, err := c.wire.Write(c.out)
	c.out = c.out[:0]
	return err
}
