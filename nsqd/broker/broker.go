package broker

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/protocol"
)

const (
	// offsetBits is how many bits of a message ID are the offset; the node's number is above.
	offsetBits = 54
	offsetMask = 1<<offsetBits - 1
	// tick is the unit of offsets that are made from the time: a log begins at the
	// number of ticks since epoch, so no offset comes again in a later log of the
	// same name unless more than ten million messages a second were published.
	tick = 100 * time.Nanosecond
)

var epoch = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)

// closeAtOnce is how many topics are closed at the same time: most of that is
// waiting for the disk, which serves several that wait at once.
const closeAtOnce = 8

// Broker is all topics of one nsqd. All methods are safe for concurrent use.
type Broker struct {
	config   Config
	nodeBits uint64
	budget   *diskqueue.Budget
	started  time.Time                 // now is counted from here, on the monotonic clock
	wall     func(now time.Time) int64 // the wall clock in Unix ns; tests step it

	health   atomic.Pointer[failure]
	low      atomic.Pointer[failure] // nil: the disk has room
	blind    atomic.Bool             // it did not say how much
	draining atomic.Bool
	floor    atomic.Uint64 // above every offset of the logs that were removed

	lifecycle sync.Mutex // held while a topic comes or goes
	mu        sync.RWMutex
	topics    map[string]*Topic
	exiting   bool
}

type failure struct{ err error }

// New returns a broker without topics; see Restore.
func New(config Config) *Broker {
	config.fillIn()
	return &Broker{
		config:   config,
		nodeBits: uint64(config.NodeID) << offsetBits,
		budget:   diskqueue.NewBudget(config.MemoryBudget),
		started:  time.Now(),
		wall:     time.Time.UnixNano,
		topics:   map[string]*Topic{},
	}
}

// nextOffset returns the offset that a new log begins with.
func (b *Broker) nextOffset() uint64 {
	return max(uint64(max(time.Since(epoch), 0)/tick), b.floor.Load())
}

// offset returns the offset of the message whose ID has this number, if it can be one of this node.
func (b *Broker) offset(number uint64) (uint64, bool) {
	return number & offsetMask, number&^offsetMask == b.nodeBits
}

// FindTopic returns the topic of this name, if there is one.
func (b *Broker) FindTopic(name string) (*Topic, bool) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	t, ok := b.topics[name]
	return t, ok
}

// Topics returns all topics, sorted by name.
func (b *Broker) Topics() []*Topic {
	b.mu.RLock()
	defer b.mu.RUnlock()
	list := make([]*Topic, 0, len(b.topics))
	for _, t := range b.topics {
		list = append(list, t)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	return list
}

// Topic returns the topic of this name, which must be valid, and makes it if
// there is none: then it asks Config.Learn which channels to begin with, and
// returns when they exist. The error is ErrExiting, ErrDraining or the disk's.
func (b *Broker) Topic(name string) (*Topic, error) {
	if t, ok := b.FindTopic(name); ok {
		return t, nil
	}
	t, isNew, err := b.create(name)
	if err != nil || !isNew {
		return t, err
	}
	b.config.Infof("TOPIC(%s): created", name)
	b.config.Changed(Change{Topic: name})
	for _, channel := range b.config.Learn(name) {
		if protocol.ValidName(channel) && !protocol.IsEphemeral(channel) {
			if _, err := t.Channel(channel); err != nil {
				return nil, err
			}
		}
	}
	t.mu.Lock()
	t.learning = false
	released := t.updateHold()
	t.mu.Unlock()
	t.kick(released)
	return t, nil
}

func (b *Broker) create(name string) (t *Topic, isNew bool, err error) {
	b.lifecycle.Lock()
	defer b.lifecycle.Unlock()
	if t, ok := b.FindTopic(name); ok {
		return t, false, nil
	}
	b.mu.RLock()
	exiting := b.exiting
	b.mu.RUnlock()
	if exiting {
		return nil, false, ErrExiting
	}
	if b.Draining() {
		return nil, false, ErrDraining
	}
	t, err = b.open(name)
	if err != nil {
		return nil, false, b.writeFailed(nil, err)
	}
	t.learning = true
	b.mu.Lock()
	b.topics[name] = t
	b.mu.Unlock()
	return t, true, nil
}

// open opens the topic's log and what its journal tells.
func (b *Broker) open(name string) (*Topic, error) {
	t := &Topic{broker: b, name: name, ephemeral: protocol.IsEphemeral(name), channels: map[string]*Channel{}}
	t.steps.Store(&[]step{{ahead: b.aheadOfWall()}})
	t.setOwn(protocol.OwnLimits{})
	t.noteLimits()
	t.publishReaders()
	o := diskqueue.Options{
		Durability:      b.config.Durability,
		MaxSegmentBytes: b.config.MaxBytesPerFile,
		MemRecords:      b.config.MemQueueSize,
		Budget:          b.budget,
		HeaderSize:      protocol.MessageFrameHeaderSize,
		PutHeader:       t.header,
		NextOffset:      b.nextOffset,
		Needed:          t.needs,
		Damaged:         t.damaged,
	}
	if t.ephemeral {
		o.Durability, o.MemRecords = diskqueue.Memory, max(o.MemRecords, 1)
		t.log = diskqueue.OpenMemory(o)
		t.hold.Store(t.log.End())
		return t, nil
	}
	return t, t.restore(o)
}

func (t *Topic) damaged(d diskqueue.Damage) {
	kept := because(d.Err)
	if d.KeptAs != "" {
		kept = ", kept as " + d.KeptAs
	}
	t.broker.config.Errorf("TOPIC(%s): %d bytes at %d of %s are damaged, %d messages lost%s", t.name, d.Len, d.Pos, d.Segment, d.Records, kept)
}

func because(err error) string {
	if err == nil {
		return ""
	}
	return fmt.Sprintf(" - %s", err)
}

// DeleteTopic removes a topic with its channels and files, and disconnects their
// consumers. The error is ErrNotFound or the disk's.
func (b *Broker) DeleteTopic(name string) error {
	b.lifecycle.Lock()
	defer b.lifecycle.Unlock()
	t, ok := b.FindTopic(name)
	if !ok {
		return ErrNotFound
	}
	b.config.Infof("TOPIC(%s): deleting", name)
	t.mu.Lock()
	t.exiting = true
	t.mu.Unlock()
	for _, c := range t.Channels() {
		t.deleteChannel(c, false) //nolint:errcheck // ErrNotFound: somebody else deleted it
	}
	if t.journal != nil {
		t.journal.close()
	}
	b.floorAbove(t.log.End())
	err := t.log.Remove()
	b.mu.Lock()
	delete(b.topics, name)
	b.mu.Unlock()
	b.config.Changed(Change{Topic: name, Gone: true})
	return err
}

func (b *Broker) floorAbove(offset uint64) {
	for {
		floor := b.floor.Load()
		if offset <= floor || b.floor.CompareAndSwap(floor, offset) {
			return
		}
	}
}

// Health returns nil, or why the last write to disk failed, or that the disk is low.
func (b *Broker) Health() error {
	if low := b.low.Load(); low != nil {
		return low.err
	}
	if f := b.health.Load(); f != nil {
		return f.err
	}
	return nil
}

// Syncs tells whether a publish waits until the disk has it (durability fsync).
func (b *Broker) Syncs() bool { return b.config.Durability == diskqueue.Fsync }

// MemoryUsed returns the bytes of messages that are in memory, over all topics.
func (b *Broker) MemoryUsed() int64 { return b.budget.Used() }

// wrote says that a write went well.
func (b *Broker) wrote() {
	if b.health.Load() != nil {
		b.health.Store(nil)
	}
}

// writeFailed remembers and logs a failed write, and returns what the publisher is told.
func (b *Broker) writeFailed(t *Topic, err error) error {
	if errors.Is(err, diskqueue.ErrClosed) {
		return ErrExiting
	}
	b.health.Store(&failure{err})
	if t != nil {
		t.ailing.Store(true)
		b.config.Errorf("TOPIC(%s) ERROR: failed to write message to backend - %s", t.name, err)
	}
	return err
}

func (b *Broker) readFailed(t *Topic, err error) {
	if !errors.Is(err, diskqueue.ErrClosed) {
		b.config.Errorf("TOPIC(%s) ERROR: failed to read messages from backend - %s", t.name, err)
	}
}

// Run writes journals, drops what the limits do not allow, syncs, and removes what
// nobody needs, every Config.SyncTimeout until ctx ends. It also watches the disk.
func (b *Broker) Run(ctx context.Context) error {
	ticker := time.NewTicker(b.config.SyncTimeout)
	defer ticker.Stop()
	var look <-chan time.Time
	if b.config.MinFree > 0 {
		free := time.NewTicker(freeEvery)
		defer free.Stop()
		look = free.C
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-look:
			b.checkFree()
			continue
		case <-ticker.C:
		}
		for _, t := range b.Topics() {
			if ctx.Err() != nil {
				return nil
			}
			t.tend()
		}
	}
}

// Close ends all topics and has everything that is not ephemeral on the disk
// when it returns. It returns the errors met; nothing is left out because of one.
func (b *Broker) Close() error {
	b.lifecycle.Lock()
	defer b.lifecycle.Unlock()
	b.mu.Lock()
	b.exiting = true
	b.mu.Unlock()
	topics := b.Topics()
	errs := make([]error, len(topics))
	var next atomic.Int64
	var closing sync.WaitGroup
	for range closeAtOnce {
		closing.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(topics)); i = next.Add(1) - 1 {
				t := topics[i]
				b.config.Infof("TOPIC(%s): closing", t.name)
				if err := t.shut(); err != nil {
					errs[i] = fmt.Errorf("closing topic %s: %w", t.name, err)
				}
			}
		})
	}
	closing.Wait()
	return errors.Join(errs...)
}

// shut closes the topic's channels, log and journal.
func (t *Topic) shut() error {
	t.mu.Lock()
	t.exiting = true
	t.mu.Unlock()
	channels := t.Channels()
	for _, c := range channels {
		t.broker.config.Infof("CHANNEL(%s): closing", c.name)
		for _, f := range c.close() {
			f()
		}
	}
	err := t.log.Close()
	if t.journal != nil {
		if e := t.journal.finish(); err == nil {
			err = e
		}
	}
	for _, c := range channels {
		c.discard()
	}
	return err
}
