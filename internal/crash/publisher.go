package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"time"

	"nsqsuite/protocol"
)

// The bounds of what a publisher does at a time.
const (
	maxPipelined = 8
	maxMPub      = 20
	maxDelay     = 900 * time.Millisecond
	maxPause     = 20 * time.Millisecond
)

// publisher publishes to random topics until its nsqd is gone or it has
// published enough.
type publisher struct {
	recorder *recorder
	dice     *rand.Rand
	topics   []string
	left     int // messages to publish still
}

// pause waits a little, and tells whether to go on.
func (p *publisher) pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Duration(p.dice.Int64N(int64(maxPause)))):
		return p.left > 0
	}
}

// delay returns none, or a random one in whole milliseconds.
func (p *publisher) delay() time.Duration {
	if p.dice.IntN(4) > 0 {
		return 0
	}
	return time.Duration(1+p.dice.Int64N(maxDelay.Milliseconds())) * time.Millisecond
}

// batch is a command and the messages in it.
type batch struct{ first, count int }

// overTCP publishes by the V2 protocol.
func (p *publisher) overTCP(ctx context.Context, address string) {
	w, err := dial(address)
	if err != nil {
		return // nsqd is gone
	}
	defer w.Close()
	stop := context.AfterFunc(ctx, func() { w.Close() })
	defer stop()
	for p.pause(ctx) {
		var out []byte
		var batches []batch
		for range 1 + p.dice.IntN(maxPipelined) {
			var b batch
			out, b = p.command(out)
			batches = append(batches, b)
		}
		if _, err := w.Write(out); err != nil {
			return
		}
		for _, b := range batches {
			ok, err := w.expectOK()
			if err != nil {
				return
			}
			if !ok {
				p.recorder.all(refused, b.first, b.count)
				return // the error is fatal: what follows stays unanswered
			}
			p.recorder.all(acknowledged, b.first, b.count)
		}
	}
}

// command appends a random publishing command to out.
func (p *publisher) command(out []byte) ([]byte, batch) {
	topic := p.dice.IntN(len(p.topics))
	if p.dice.IntN(4) == 0 {
		b := batch{count: 1 + p.dice.IntN(maxMPub)}
		p.left -= b.count
		b.first = p.recorder.publish(topic, b.count, 0)
		return protocol.AppendMPub(out, p.topics[topic], b.bodies()...), b
	}
	p.left--
	delay := p.delay()
	b := batch{p.recorder.publish(topic, 1, delay), 1}
	return protocol.AppendPub(out, p.topics[topic], delay, body(b.first)), b
}

func (b batch) bodies() (list [][]byte) {
	for i := range b.count {
		list = append(list, body(b.first+i))
	}
	return list
}

// overHTTP publishes by /pub and /mpub.
func (p *publisher) overHTTP(ctx context.Context, address string) {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for p.pause(ctx) {
		topic := p.dice.IntN(len(p.topics))
		path, content, b := p.request(topic)
		url := fmt.Sprintf("http://%s%stopic=%s", address, path, p.topics[topic])
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(content))
		if err != nil {
			return
		}
		resp, err := client.Do(req)
		if err != nil {
			return // no answer: it may have happened or not
		}
		answer, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		switch {
		case err != nil:
			return
		case resp.StatusCode == http.StatusOK && string(answer) == protocol.OK:
			p.recorder.all(acknowledged, b.first, b.count)
		default:
			p.recorder.all(refused, b.first, b.count)
		}
	}
}

// request returns what to post: a message, or several in one of both forms.
func (p *publisher) request(topic int) (path string, content []byte, b batch) {
	form := p.dice.IntN(3)
	if form == 0 {
		p.left--
		delay := p.delay()
		b = batch{p.recorder.publish(topic, 1, delay), 1}
		return fmt.Sprintf("/pub?defer=%d&", delay.Milliseconds()), body(b.first), b
	}
	b.count = 1 + p.dice.IntN(maxMPub)
	p.left -= b.count
	b.first = p.recorder.publish(topic, b.count, 0)
	if form == 1 {
		return "/mpub?", bytes.Join(b.bodies(), []byte("\n")), b
	}
	content = binary.BigEndian.AppendUint32(nil, uint32(b.count))
	for _, one := range b.bodies() {
		content = protocol.AppendBody(content, one)
	}
	return "/mpub?binary=true&", content, b
}
