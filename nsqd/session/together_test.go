package session

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// TestTogether publishes to several topics in one piece, each of which waits for the
// disk: none waits for another.
func TestTogether(t *testing.T) {
	var disk *vfs.Faulty
	l := newLive(t, func(_ *Config, b *broker.Config) {
		mem := vfs.NewMem()
		if err := mem.MkdirAll("/data"); err != nil {
			t.Fatal(err)
		}
		disk = vfs.NewFaulty(mem)
		b.Store, b.Durability = diskqueue.NewStore(disk, "/data", 0), diskqueue.Fsync
	})
	defer l.close()
	s := &transcript{t: t, live: l, over: transports[0]}
	const piece = `>. PUB t\n[a]PUB u\n[b]PUB t\n[c]MPUB v\n\x00\x00\x00\x0e\x00\x00\x00\x02[d][e]DPUB u 0\n[f]`
	const oks = "\n< OK\n< OK\n< OK\n< OK\n< OK\n"
	s.run(piece + oks) // the topics are there from now on
	all := make(chan struct{})
	var mu sync.Mutex
	syncs := 0
	disk.Fail(func(_ int, op vfs.Op, _ string) error {
		if op == vfs.OpSync {
			mu.Lock()
			if syncs++; syncs == 3 {
				close(all)
			}
			mu.Unlock()
			<-all
		}
		return nil
	})
	s.run(piece + oks)
	disk.Fail(nil)
	s.run("> SUB t c\n< OK\n> RDY 9\n< m1 a\n< m1 c\n< m1 a\n< m1 c\nb> SUB v c\nb< OK\nb> RDY 9\nb< m1 d\nb< m1 e\nb< m1 d\nb< m1 e\n" +
		"c> SUB u c\nc< OK\nc> RDY 9\nc< m1 b\nc< m1 f\nc< m1 b\nc< m1 f")
}

// TestManyLanes publishes to more topics than a session remembers, each of them twice
// and in one piece: each has its messages in order.
func TestManyLanes(t *testing.T) {
	const topics = maxLanes + 3*maxTogether
	l := newLive(t, func(_ *Config, b *broker.Config) { b.Durability = diskqueue.Fsync })
	defer l.close()
	c := l.client(transports[0], false)
	var stream []byte
	for round := range 2 {
		for i := range topics {
			stream = protocol.AppendPub(stream, fmt.Sprintf("t%d", i), 0, fmt.Append(nil, round))
			stream = protocol.AppendPub(stream, "all", 0, fmt.Append(nil, round, " ", i))
		}
	}
	go c.write(stream)
	s := &transcript{t: t, live: l, over: transports[0]}
	s.run("b> SUB all c\nb< OK\nb> RDY 2500")
	for i := range 4 * topics {
		s.line = fmt.Sprintf("command %d", i)
		s.expect(c, "OK")
	}
	for i := range 2 * topics {
		want := fmt.Sprintf("%d %d", i/topics, i%topics)
		if f := s.next(s.client("b")); !strings.HasSuffix(f.data, want) {
			t.Fatalf("%q instead of %q", f.data, want)
		}
	}
}
