package registry

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"nsqsuite/protocol"
)

// The size that the table must bear: every node has every topic.
const (
	benchNodes  = 1_000
	benchTopics = 10_000
)

func benchRegistrations() []Registration {
	list := make([]Registration, benchTopics)
	for i := range list {
		list[i] = Registration{Topic: fmt.Sprintf("topic-%05d", i)}
	}
	return list
}

// full returns a table of that size.
func full() (*Registry, []*Peer, []Registration) {
	r, list := New(config), benchRegistrations()
	nodes := make([]*Peer, benchNodes)
	for n := range nodes {
		nodes[n] = r.Identify(info(n), start)
		for _, reg := range list {
			r.Register(nodes[n], reg)
		}
	}
	return r, nodes, list
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkFill registers every topic for every node, and tells what a
// registration takes.
func BenchmarkFill(b *testing.B) {
	for range b.N {
		before := heap()
		r, _, _ := full()
		b.ReportMetric(float64(heap()-before)/(benchNodes*benchTopics), "B/registration")
		runtime.KeepAlive(r)
	}
	b.ReportMetric(float64(b.N)*benchNodes*benchTopics/b.Elapsed().Seconds(), "registrations/s")
}

// BenchmarkFull asks and changes a table that is full.
func BenchmarkFull(b *testing.B) {
	r, nodes, list := full()
	rare := Registration{Topic: "rare", Channel: "c"}
	for _, p := range nodes[:3] {
		r.Register(p, rare)
	}
	for _, c := range []struct {
		name string
		f    func(i int)
	}{
		{"LookupOfThree", func(int) { r.Lookup(rare.Topic, start) }},
		{"LookupOfAll", func(i int) { r.Lookup(list[i%benchTopics].Topic, start) }},
		{"RegisterAgain", func(i int) { r.Register(nodes[i%benchNodes], list[i%benchTopics]) }},
		{"LeaveAndJoin", func(i int) {
			r.Unregister(nodes[i%benchNodes], list[i%benchTopics])
			r.Register(nodes[i%benchNodes], list[i%benchTopics])
		}},
		{"Ping", func(i int) { r.Ping(nodes[i%benchNodes], start.Add(time.Second)) }},
		{"Nodes", func(int) {
			r.EachNode(start, func(*protocol.Node) error { return nil }) //nolint:errcheck // it has no reason to
		}},
		{"Reconnect", func(i int) {
			n := i % benchNodes
			r.Disconnect(nodes[n])
			nodes[n] = r.Identify(info(n), start)
			for _, reg := range list {
				r.Register(nodes[n], reg)
			}
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for i := range b.N {
				c.f(i)
			}
		})
	}
}
