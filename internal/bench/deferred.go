package main

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"nsqsuite/protocol"
)

const (
	// delay is for how long messages are deferred: longer than a run takes.
	delay = time.Hour
	// slack is how far a due time may be from what the publisher knows of it.
	slack = time.Minute
	// deferredBody is large, so that memory shows whether bodies are kept.
	deferredBody = 500
	// step is by how much a message is due later than the one before.
	step     = time.Millisecond
	maxSteps = 600_000
	peeked   = 1000 // messages on a page
	// spare is the memory that few messages may take as well as many.
	spare = 6 << 20
)

// way is a way of deferring n messages, and how many bytes of memory one may take.
type way struct {
	name string
	most int64
	put  func(d *broker, n int) error
}

var ways = []way{
	{"DPUB", 120, deferByPublish},
	{"DPUB and PUB in turn", 120, deferEverySecond},
	{"REQ, ready count 2500", 120, deferByRequeue(maxReady)},
	{"REQ, ready count 2", 120, deferByRequeue(2)},
}

// deferred defers messages in all ways, and has them outlive a kill and a stop.
func deferred(b *bench) error {
	n := b.messages
	if n == 0 {
		n = b.size(200_000, 5_000_000)
	}
	for _, w := range ways {
		fmt.Printf("%s:\n\n", w.name)
		if err := b.deferBy(n, w); err != nil {
			return fmt.Errorf("%s: %w", w.name, err)
		}
		fmt.Println()
	}
	return nil
}

// deferBy runs one way of deferring through all lives, checks what is there
// after each, and prints a line for it.
func (b *bench) deferBy(n int, w way) error {
	d, err := b.start("--max-req-timeout=24h", "--mem-queue-size=0") // which would keep bodies in memory
	if err != nil {
		return err
	}
	defer d.end()
	if err := d.create(topicName(0), channelName(0)); err != nil {
		return err
	}
	empty, err := d.own()
	if err != nil {
		return err
	}
	began := time.Now()
	cpu, err := d.cpu(func() error { return w.put(d, n) })
	if err != nil {
		return err
	}
	count, err := d.deferredCount()
	if err != nil {
		return err
	}
	published := took(began)
	head("", "deferred", "took", "memory a message", "memory at most", "a page of "+strconv.Itoa(peeked)+" by HTTP")
	line := func(life, took string) error {
		looked, err := d.checkDeferred(count, began)
		if err != nil {
			return fmt.Errorf("%s: %w", life, err)
		}
		own, err := d.own()
		if err != nil {
			return err
		}
		m, err := d.Memory()
		if err != nil {
			return err
		}
		each := (own - empty) / int64(count)
		row(life, count, took, fmt.Sprintf("%d B", each), mega(m.Peak), looked)
		if own-empty > w.most*int64(count)+spare {
			return fmt.Errorf("a message takes %d B, at most %d are right", each, w.most)
		}
		return nil
	}
	if err := line("published, "+perMillion(cpu, n)+" s/M", published); err != nil {
		return err
	}
	if err := d.create(topicName(0), "mark"); err != nil { // whose answer comes when all of the topic is saved
		return err
	}
	for _, life := range []struct {
		name string
		end  func() error
	}{
		{"killed, started", func() error { d.Kill(); return nil }},
		{"stopped, started", func() error { return d.Stop() }}, // the process of then
	} {
		if err := life.end(); err != nil {
			return err
		}
		start := time.Now()
		if err := d.begin(); err != nil {
			return err
		}
		if err := line(life.name, took(start)); err != nil {
			return err
		}
	}
	return d.cancel(count)
}

func took(since time.Time) string { return time.Since(since).Round(time.Millisecond).String() }

// later appends DPUB number i.
func later(dst []byte, i int) []byte {
	return protocol.AppendPub(dst, topicName(0), delay+time.Duration(i%maxSteps)*step, make([]byte, deferredBody))
}

func deferByPublish(d *broker, n int) error {
	c, err := dial(d.TCP, protocol.MagicV2, bufferSize)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.send(n, window, later)
}

// deferEverySecond also publishes as many others, which are consumed.
func deferEverySecond(d *broker, n int) error {
	l := load{topics: 1, channels: 1, publishers: 1, consumers: 1, body: deferredBody, messages: n}
	consumers, err := l.attach(d)
	if err != nil {
		return err
	}
	defer consumers.close()
	c, err := dial(d.TCP, protocol.MagicV2, bufferSize)
	if err != nil {
		return err
	}
	defer c.Close()
	now := pubTo(topicName(0), deferredBody)
	if err := c.send(2*n, window, func(dst []byte, i int) []byte {
		if i%2 == 0 {
			return now(dst, i)
		}
		return later(dst, i/2)
	}); err != nil {
		return err
	}
	return consumers.wait()
}

// deferByRequeue has a consumer with this ready count put all off.
func deferByRequeue(ready int) func(d *broker, n int) error {
	return func(d *broker, n int) error {
		l := load{topics: 1, channels: 1, publishers: 1, body: deferredBody, messages: n}
		if err := l.publish(d); err != nil {
			return err
		}
		c := newCrowd(n)
		defer c.close()
		if err := c.dial(d.TCP, 1, bufferSize); err != nil {
			return err
		}
		if err := c.conns[0].subscribe(topicName(0), channelName(0), ready); err != nil {
			return err
		}
		i := 0
		c.each(func(_ int, conn *conn) error {
			return conn.consume(func(dst []byte, m protocol.Message) []byte {
				i++
				by := delay + time.Duration(i%maxSteps)*step
				return protocol.AppendCommand(dst, "REQ", m.ID.String(), strconv.FormatInt(by.Milliseconds(), 10))
			}, c.took)
		})
		return c.wait()
	}
}

func (d *broker) deferredCount() (int, error) {
	var stats protocol.Stats
	if err := d.get("/stats?format=json&include_clients=false", &stats); err != nil {
		return 0, err
	}
	return int(stats.Topics[0].Channels[0].DeferredCount), nil
}

// page is a GET /channel/peek of deferred messages.
func (d *broker) page(from string) (protocol.Peek, time.Duration, error) {
	var p protocol.Peek
	start := time.Now()
	err := d.get(fmt.Sprintf("/channel/peek?topic=%s&channel=%s&state=deferred&limit=%d&max_body=0&from=%s", topicName(0), channelName(0), peeked, from), &p)
	return p, time.Since(start), err
}

// checkDeferred checks the count of deferred messages and the times of the first
// ones, and returns how long a page took.
func (d *broker) checkDeferred(want int, since time.Time) (string, error) {
	p, took, err := d.page("0")
	if err != nil {
		return "", err
	}
	got, err := d.deferredCount()
	if err != nil {
		return "", err
	}
	if got != want || len(p.Messages) != min(peeked, want) {
		return "", fmt.Errorf("%d are deferred instead of %d, and %d on the first page", got, want, len(p.Messages))
	}
	if !slices.IsSortedFunc(p.Messages, func(a, b protocol.PeekedMessage) int { return int(a.Until - b.Until) }) {
		return "", fmt.Errorf("the times are not in the order in which they were given")
	}
	first := time.Unix(0, p.Messages[0].Until)
	if early := since.Add(delay).Sub(first); early > 0 || first.After(since.Add(delay).Add(slack)) {
		return "", fmt.Errorf("the first is due at %s, published at %s", first, since)
	}
	return took.Round(time.Millisecond / 10).String(), nil
}

// cancel drops messages at the front by their IDs.
func (d *broker) cancel(count int) error {
	p, _, err := d.page("0")
	if err != nil {
		return err
	}
	some := p.Messages[:min(100, len(p.Messages))]
	start := time.Now()
	for _, m := range some {
		if _, err := d.call(http.MethodPost, fmt.Sprintf("/channel/cancel?topic=%s&channel=%s&id=%s", topicName(0), channelName(0), m.ID)); err != nil {
			return err
		}
	}
	each := time.Since(start) / time.Duration(len(some))
	left, err := d.deferredCount()
	if err == nil && left != count-len(some) {
		err = fmt.Errorf("%d are left after %d of %d were cancelled", left, len(some), count)
	}
	fmt.Printf("\nCancelling one by its ID takes %s.\n", each.Round(time.Microsecond))
	return err
}
