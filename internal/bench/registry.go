package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"nsqsuite/protocol"
)

// registry measures what a nsqlookupd that knows much answers and changes, and how
// long that takes. The nodes have all topics.
func registry(d *broker, c *crowd, topics int) error {
	half := topics / 2
	fmt.Println()
	head("of "+fmt.Sprint(nodes*topics)+" registrations", "how many", "KB each", "p50 ms", "p99 ms", "CPU ms each", "memory at most")
	for _, q := range []struct {
		method, path string // # is a number that counts up
		n            int
	}{
		{http.MethodGet, "/lookup?topic=t#", 500},
		{http.MethodGet, "/channels?topic=t#", 500},
		{http.MethodGet, "/topics", 50},
		{http.MethodGet, "/nodes", 5},
		{http.MethodGet, "/metrics", 50},
		{http.MethodPost, "/topic/tombstone?topic=t#&node=node1:4151", 200},
		{http.MethodPost, "/topic/delete?topic=t#", 50},
	} {
		size := 0
		err := d.timed(q.method+" "+strings.TrimSuffix(q.path, "#"), q.n, func(i int) error {
			text, err := d.call(q.method, strings.Replace(q.path, "t#", topicName(i%half), 1))
			size = len(text)
			return err
		}, &size)
		if err != nil {
			return err
		}
	}
	conn := c.conns[0]
	err := d.timed("UNREGISTER of a topic", half, func(i int) error {
		conn.out = protocol.AppendCommand(conn.out, "UNREGISTER", topicName(half+i))
		return conn.ask(1)
	}, nil)
	if err != nil {
		return err
	}
	return d.timed("a node goes", 5, func(i int) error {
		before, err := d.connections()
		if err != nil {
			return err
		}
		c.conns[1+i].Close()
		for now := before; now == before && err == nil; now, err = d.connections() {
			time.Sleep(time.Millisecond)
		}
		return err
	}, nil)
}

// connections returns the line of /metrics that tells how many connections there are.
func (d *broker) connections() (string, error) {
	text, err := d.call(http.MethodGet, "/metrics")
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "nsqlookupd_connections") {
			return line, nil
		}
	}
	return "", err
}

// timed does something n times, and prints a line of the table.
func (d *broker) timed(what string, n int, do func(i int) error, size *int) error {
	took := make([]time.Duration, n)
	cpu, err := d.cpu(func() error {
		for i := range n {
			began := time.Now()
			if err := do(i); err != nil {
				return err
			}
			took[i] = time.Since(began)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	slices.Sort(took)
	kilobytes := ""
	if size != nil {
		kilobytes = fmt.Sprintf("%.1f", float64(*size)/1e3)
	}
	m, err := d.Memory()
	row(what, n, kilobytes, millis(took[n/2]), millis(took[n*99/100]), millis(cpu/time.Duration(n)), mega(m.Peak))
	return err
}

func millis(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1e3) }
