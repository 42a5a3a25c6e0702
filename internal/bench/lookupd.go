package main

import (
	"encoding/json"
	"fmt"
	"time"

	"nsqsuite/internal/process"
	"nsqsuite/protocol"
)

const (
	nodes = 1000 // that register topics
	beats = 10_000
	// beatEvery is how often nsqd pings.
	beatEvery = 15 * time.Second
	maxReply  = 1 << 20
)

// lookupd measures registrations, look-ups and heartbeats.
func lookupd(b *bench) error {
	p, err := process.Start(b.lookupd)
	if err != nil {
		return err
	}
	d := &broker{Process: p}
	defer d.Kill()
	if err := d.Ready(); err != nil {
		return err
	}
	c := &crowd{}
	defer c.close()
	head("what", "how many", "CPU", "bytes each")
	topics := b.size(400, 10_000)
	before, err := d.own()
	if err != nil {
		return err
	}
	began := time.Now()
	cpu, err := d.cpu(func() error { return register(c, d.TCP, 0, nodes, topics) })
	took := time.Since(began)
	if err != nil {
		return err
	}
	after, err := d.own()
	if err != nil {
		return err
	}
	n := nodes * topics
	row(fmt.Sprintf("REGISTER of %d topics by each of %d nodes, in %.0f s", topics, nodes, took.Seconds()), n, perMillion(cpu, n)+" s/M", (after-before)/int64(n))
	if err := register(c, d.TCP, nodes, beats-nodes, 0); err != nil {
		return err
	}
	rounds := b.size(1, 4)
	cpu, err = d.cpu(func() error { return ping(c, rounds) })
	if err != nil {
		return err
	}
	all, err := d.own()
	row("PING of each node every 15 s", beats, fmt.Sprintf("%.1f %% of a core", 100*cpu.Seconds()/(beatEvery.Seconds()*float64(rounds))), (all-after)/(beats-nodes))
	if err != nil {
		return err
	}
	return registry(d, c, topics)
}

// register adds nodes from number first on, each with its topics.
func register(c *crowd, address string, first, n, topics int) error {
	for i := first; i < first+n; i++ {
		conn, err := dial(address, protocol.MagicV1, 512)
		if err != nil {
			return err
		}
		c.conns = append(c.conns, conn)
		body, err := json.Marshal(protocol.PeerInfo{BroadcastAddress: fmt.Sprintf("node%d", i), Hostname: fmt.Sprintf("node%d", i), HTTPPort: 4151, TCPPort: 4150, Version: "1.3.0"})
		if err != nil {
			return err
		}
		conn.out = protocol.AppendCommand(conn.out, "IDENTIFY")
		conn.out = protocol.AppendBody(conn.out, body)
		if err := conn.ask(1); err != nil {
			return err
		}
		for t := range topics {
			conn.out = protocol.AppendCommand(conn.out, "REGISTER", topicName(t))
			if t%window == window-1 || t == topics-1 {
				if err := conn.ask(t%window + 1); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// ask sends what is in out and reads n answers of nsqlookupd.
func (c *conn) ask(n int) error {
	if err := c.flush(); err != nil {
		return err
	}
	for range n {
		answer, err := protocol.ReadReply(c.in, maxReply)
		if err != nil {
			return err
		}
		if len(answer) > 0 && answer[0] == 'E' {
			return fmt.Errorf("nsqlookupd says %q", answer)
		}
	}
	return nil
}

// ping has every node ping once in each round, evenly spread.
func ping(c *crowd, rounds int) error {
	var command []byte
	command = protocol.AppendCommand(command, "PING")
	started := time.Now()
	for i := range rounds * len(c.conns) {
		if wait := time.Duration(i)*beatEvery/time.Duration(len(c.conns)) - time.Since(started); wait > 0 {
			time.Sleep(wait)
		}
		conn := c.conns[i%len(c.conns)]
		conn.out = append(conn.out, command...)
		if err := conn.ask(1); err != nil {
			return err
		}
	}
	return nil
}
