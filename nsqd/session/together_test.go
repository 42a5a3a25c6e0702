package session

import (
	"sync"
	"testing"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
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
