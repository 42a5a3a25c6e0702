package main

import (
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"nsqsuite/protocol"
)

// latency publishes at fixed rates.
func latency(b *bench) error {
	head("messages/s", "p50 ms", "p99 ms", "p99.9 ms", "broker CPU s/M")
	for _, perSecond := range []int{100, 2000, 20_000} {
		if err := b.atRate(perSecond, perSecond*b.size(5, 30)); err != nil {
			return err
		}
	}
	return nil
}

// atRate sends n messages, each when it is due or, if we are late, at once: what
// holds us up counts.
func (b *bench) atRate(perSecond, n int) error {
	d, err := b.start()
	if err != nil {
		return err
	}
	defer d.end()
	if err := d.create(topicName(0), channelName(0)); err != nil {
		return err
	}
	c := newCrowd(n)
	defer c.close()
	if err := c.dial(d.TCP, 1, bufferSize); err != nil {
		return err
	}
	if err := c.conns[0].subscribe(topicName(0), channelName(0), 200); err != nil {
		return err
	}
	started, late := time.Now(), make([]time.Duration, 0, n)
	c.each(func(_ int, conn *conn) error {
		return conn.consume(func(dst []byte, m protocol.Message) []byte {
			late = append(late, time.Since(started)-time.Duration(binary.BigEndian.Uint64(m.Body)))
			return append(append(append(dst, "FIN "...), m.ID[:]...), '\n')
		}, c.took)
	})
	cpu, err := d.cpu(func() error {
		if err := paced(d.TCP, started, perSecond, n); err != nil {
			return err
		}
		return c.wait()
	})
	if err != nil {
		return err
	}
	slices.Sort(late)
	at := func(q float64) string {
		return fmt.Sprintf("%.2f", late[min(int(q*float64(n)), n-1)].Seconds()*1e3)
	}
	row(perSecond, at(0.5), at(0.99), at(0.999), perMillion(cpu, n))
	return nil
}

func paced(address string, started time.Time, perSecond, n int) error {
	p, err := dial(address, protocol.MagicV2, 4<<10)
	if err != nil {
		return err
	}
	defer p.Close()
	answers := make(chan error, 1)
	go func() { answers <- p.oks(n) }()
	body := make([]byte, 200)
	var out []byte
	step := time.Second / time.Duration(perSecond)
	for i := range n {
		due := time.Duration(i) * step
		if wait := due - time.Since(started); wait > 0 {
			time.Sleep(wait)
		}
		binary.BigEndian.PutUint64(body, uint64(due))
		out = protocol.AppendPub(out[:0], topicName(0), 0, body)
		if _, err := p.Write(out); err != nil {
			return err
		}
	}
	return <-answers
}
