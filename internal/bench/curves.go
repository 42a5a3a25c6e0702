package main

import (
	"fmt"
	"time"
)

// curve prints a line for each load: what is varied, and what a delivery costs.
func (b *bench) curve(name string, loads []load, label func(load) string) error {
	head(name, "messages", "broker CPU s/M", "of the first", "messages/s")
	first := 0.0
	for _, l := range loads {
		cpu, took, err := b.stream(l)
		if err != nil {
			return fmt.Errorf("%s %s: %w", name, label(l), err)
		}
		n := l.published() * l.channels
		each := cpu.Seconds() / float64(n)
		if first == 0 {
			first = each
		}
		row(label(l), n, perMillion(cpu, n), fmt.Sprintf("%.2f", each/first), rate(n, took))
	}
	return nil
}

func rate(n int, took time.Duration) string { return fmt.Sprintf("%.0f", float64(n)/took.Seconds()) }

func connections(b *bench) error {
	var loads []load
	for _, n := range []int{1, 4, 16, 64} {
		loads = append(loads, load{topics: 1, channels: 1, publishers: n, consumers: n, body: 200, messages: b.size(600_000, 3_000_000)})
	}
	return b.curve("connections", loads, func(l load) string { return fmt.Sprint(l.publishers) })
}

func manyTopics(b *bench) error {
	var loads []load
	counts := []int{1, 10, 100, 1000, 4000}
	if b.long {
		counts = append(counts, 10_000)
	}
	for _, n := range counts {
		loads = append(loads, load{topics: n, channels: 1, publishers: 4, consumers: 1, body: 200, messages: b.size(400_000, 2_000_000)})
	}
	return b.curve("topics", loads, func(l load) string { return fmt.Sprint(l.topics) })
}

func channels(b *bench) error {
	var loads []load
	for _, n := range []int{1, 2, 4, 8, 16, 32} {
		loads = append(loads, load{topics: 1, channels: n, publishers: 4, consumers: 1, body: 200, messages: b.size(800_000, 4_000_000) / n})
	}
	return b.curve("channels", loads, func(l load) string { return fmt.Sprint(l.channels) })
}

func bodies(b *bench) error {
	var loads []load
	for _, size := range []int{100, 1000, 10_000, 100_000, 1_000_000} {
		n := min(b.size(400_000, 2_000_000), b.size(1<<30, 4<<30)/size)
		loads = append(loads, load{topics: 1, channels: 1, publishers: 4, consumers: 4, body: size, messages: n})
	}
	return b.curve("bytes", loads, func(l load) string { return fmt.Sprint(l.body) })
}

// backlog publishes with nobody there, and then drains.
func backlog(b *bench) error {
	most := b.backlog
	if most == 0 {
		most = b.size(3_000_000, 10_000_000)
	}
	head("messages", "publish s/M", "drain s/M", "memory when full")
	for n := most / 10; n <= most; n = max(n+1, min(n*3, most)) {
		l := load{topics: 1, channels: 1, publishers: 4, consumers: 1, body: 100, batch: 100, messages: n}
		if err := b.fillAndDrain(l); err != nil {
			return err
		}
		if n == most {
			break
		}
	}
	return nil
}

func (b *bench) fillAndDrain(l load) error {
	d, err := b.start(l.args...)
	if err != nil {
		return err
	}
	defer d.end()
	if err := l.create(d); err != nil {
		return err
	}
	in, err := d.cpu(func() error { return l.publish(d) })
	if err != nil {
		return err
	}
	full, err := d.own()
	if err != nil {
		return err
	}
	out, err := d.cpu(func() error {
		c, err := l.attach(d)
		if err != nil {
			return err
		}
		defer c.close()
		return c.wait()
	})
	n := l.published()
	row(n, perMillion(in, n), perMillion(out, n), mega(full))
	return err
}

// fsync compares the modes under few and many publishers that wait.
func fsync(b *bench) error {
	head("publishers", "mode", "messages/s", "broker CPU s/M")
	for _, n := range []int{1, 10, 100} {
		for _, mode := range []string{"memory", "write", "fsync"} {
			if err := b.wait(n, mode, b.size(20_000, 200_000)); err != nil {
				return err
			}
		}
	}
	return nil
}

// wait has publishers send one message at a time.
func (b *bench) wait(publishers int, mode string, messages int) error {
	d, err := b.start("--durability=" + mode)
	if err != nil {
		return err
	}
	defer d.end()
	if err := d.create(topicName(0)); err != nil {
		return err
	}
	if mode == "fsync" && publishers == 1 {
		messages /= 10 // a disk is slow
	}
	p := newCrowd(0)
	defer p.close()
	if err := p.dial(d.TCP, publishers, 4<<10); err != nil {
		return err
	}
	started := time.Now()
	cpu, err := d.cpu(func() error {
		p.each(func(_ int, c *conn) error { return c.send(messages/publishers, 1, pubTo(topicName(0), 200)) })
		p.busy.Wait()
		return p.err
	})
	row(publishers, mode, rate(messages, time.Since(started)), perMillion(cpu, messages))
	return err
}
