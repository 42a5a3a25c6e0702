package broker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
)

// faults are what a disk may do, for as long as it likes. The first half of a
// write that fails is written all the same.
var faults = map[string]struct {
	err error
	ops []vfs.Op
}{
	"full":          {syscall.ENOSPC, []vfs.Op{vfs.OpWrite, vfs.OpCreate, vfs.OpMkdir}},
	"write error":   {syscall.EIO, []vfs.Op{vfs.OpWrite}},
	"sync error":    {syscall.EIO, []vfs.Op{vfs.OpSync, vfs.OpSyncDir}},
	"no descriptor": {syscall.EMFILE, []vfs.Op{vfs.OpOpen, vfs.OpCreate, vfs.OpReadDir}},
	"read-only":     {syscall.EROFS, []vfs.Op{vfs.OpWrite, vfs.OpCreate, vfs.OpMkdir, vfs.OpRename, vfs.OpRemove, vfs.OpTruncate, vfs.OpSync, vfs.OpSyncDir}},
	"dead":          {syscall.EIO, []vfs.Op{vfs.OpOpen, vfs.OpCreate, vfs.OpMkdir, vfs.OpReadDir, vfs.OpRename, vfs.OpRemove, vfs.OpRead, vfs.OpWrite, vfs.OpSync, vfs.OpSyncDir, vfs.OpTruncate, vfs.OpSize}},
}

// sick is a broker over a disk that can be given a fault.
type sick struct {
	t     *testing.T
	mem   *vfs.Mem
	fs    *vfs.Faulty
	b     *Broker
	tp    *Topic
	ch    *Channel
	acked []string
	count int
	d     diskqueue.Durability
	end   func() // stops Broker.Run
}

func (s *sick) open() {
	s.t.Helper()
	s.fs = vfs.NewFaulty(s.mem)
	s.b = newBroker(s.t, s.fs, func(c *Config) {
		c.Durability, c.Errorf = s.d, nil
		c.Store = diskqueue.NewStore(s.fs, "/data", 1) // so that files are opened again and again
		c.MemQueueSize, c.MaxBytesPerFile = 10, 4096
	})
	s.tp, s.ch = topicAndChannel(s.t, s.b, "t", "c")
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		s.b.Run(ctx) //nolint:errcheck // ends with ctx
		close(ended)
	}()
	s.end = func() { cancel(); <-ended }
}

func (s *sick) publish() error {
	body := fmt.Sprintf("m%03d%s", s.count, make([]byte, 200))
	s.count++
	err := s.tp.Publish([]Message{{Body: []byte(body)}})
	if err == nil {
		s.acked = append(s.acked, body[:4])
	}
	return err
}

// drain takes and finishes everything, and checks that all that was acknowledged is in it.
func (s *sick) drain() {
	s.t.Helper()
	k := subscribe(s.t, s.ch, 1<<20)
	got := map[string]bool{}
	for _, m := range k.take(s.t) {
		got[string(m.Body[:4])] = true
		k.mustFinish(s.t, m)
	}
	for _, body := range s.acked {
		if !got[body] {
			s.t.Errorf("%s was acknowledged and is lost", body)
		}
	}
	k.Unsubscribe()
}

// TestFaults gives the disk each fault for a while: publishers are told, health
// tells, nothing acknowledged is lost, and all is well when the fault has gone,
// even if nobody publishes.
func TestFaults(t *testing.T) {
	for name, fault := range faults {
		for _, d := range []diskqueue.Durability{diskqueue.Write, diskqueue.Fsync} {
			t.Run(fmt.Sprintf("%s/%d", name, d), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &sick{t: t, mem: newFS(), d: d}
					s.open()
					for range 30 {
						if err := s.publish(); err != nil {
							t.Fatal(err)
						}
					}
					bad := map[vfs.Op]bool{}
					for _, op := range fault.ops {
						bad[op] = true
					}
					s.fs.Fail(func(_ int, op vfs.Op, _ string) error {
						if bad[op] {
							return fault.err
						}
						return nil
					})
					refused := 0
					for range 40 { // enough to fill a file
						if err := s.publish(); err != nil {
							if refused++; !errors.Is(err, fault.err) {
								t.Fatalf("a publisher is told %v, want %v", err, fault.err)
							}
						}
						pass(100 * time.Millisecond)
					}
					if err := s.b.Health(); !errors.Is(err, fault.err) {
						t.Errorf("health: %v, want %v", err, fault.err)
					}
					if refused == 0 && !(d == diskqueue.Write && bad[vfs.OpSync]) {
						t.Error("no publisher was told")
					}
					s.fs.Fail(nil)
					pass(2 * s.b.config.SyncTimeout)
					if err := s.b.Health(); err != nil {
						t.Errorf("health does not recover: %v", err)
					}
					if err := s.publish(); err != nil {
						t.Errorf("publishing afterwards: %v", err)
					}
					pass(2 * s.b.config.SyncTimeout)
					s.end()
					if d == diskqueue.Fsync {
						s.mem = s.mem.Crash(rand.New(rand.NewPCG(1, 1)))
					} else {
						s.mem = s.mem.Kill()
					}
					s.open()
					s.drain()
					s.end()
					if err := s.b.Close(); err != nil {
						t.Error(err)
					}
				})
			})
		}
	}
}

// TestReadError lets the disk not answer a consumer: it gets what there is when
// the disk answers again, and is woken for it.
func TestReadError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sick{t: t, mem: newFS(), d: diskqueue.Write}
		s.open()
		for range 100 {
			if err := s.publish(); err != nil {
				t.Fatal(err)
			}
		}
		var failing atomic.Bool
		failing.Store(true)
		s.fs.Fail(func(_ int, op vfs.Op, _ string) error {
			if failing.Load() && (op == vfs.OpRead || op == vfs.OpOpen) {
				return syscall.EIO
			}
			return nil
		})
		k := subscribe(t, s.ch, 1000)
		var r Run
		if ok, err := k.Receive(&r, 1<<20); ok || !errors.Is(err, syscall.EIO) {
			t.Fatalf("Receive says %v, %v", ok, err)
		}
		if depth := s.ch.Stats().Depth; depth != 100 {
			t.Errorf("depth %d", depth)
		}
		failing.Store(false)
		pass(2 * retryAfter)
		select {
		case <-k.woken:
		default:
			t.Error("the consumer is not woken")
		}
		if n := len(k.take(t)); n != 100 {
			t.Errorf("%d messages", n)
		}
		s.end()
		if err := s.b.Close(); err != nil {
			t.Error(err)
		}
	})
}
