package broker

import (
	"errors"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/protocol"
)

// flowing is the value of Topic.hold when the topic does not hold.
const flowing = ^uint64(0)

// Message is one message on its way in. Of its fields publishers set Body and, if
// no channel may hand the message out for a while, Delay, which is not negative.
type Message = diskqueue.Record

// Topic is a log and the channels that read it. All methods are safe for concurrent use.
type Topic struct {
	broker    *Broker
	name      string
	ephemeral bool
	log       *diskqueue.Log
	journal   *journal // nil if ephemeral

	limits  atomic.Pointer[protocol.QueueLimits]
	rejects atomic.Bool // a limit of the topic or a channel refuses publishes
	drops   atomic.Bool // likewise one drops messages

	messages atomic.Uint64
	bytes    atomic.Uint64
	rejected atomic.Uint64 // because there was no room
	dropped  atomic.Uint64 // of the messages held, because they were too many
	expired  atomic.Uint64 // likewise, because they were too old
	toldFull atomic.Int64  // when the log was last told that messages are refused
	// hold is the offset that channels may not read beyond, or flowing.
	hold atomic.Uint64
	// steps are the steps of the wall clock since the topic was opened, oldest first; never empty.
	steps atomic.Pointer[[]step]
	// readers is what channels holds, for publishers to look at without the lock.
	readers atomic.Pointer[[]*Channel]

	mu       sync.Mutex
	channels map[string]*Channel
	own      protocol.OwnLimits // set for the topic alone
	paused   bool
	learning bool // its first channels are still being asked for
	exiting  bool

	// ailing says that the disk failed the topic, and tend has not found it well since.
	ailing atomic.Bool

	// tended is what the last tend saw, and how long there was nothing to do.
	tended struct {
		end  uint64
		idle int
	}
}

// Name returns the topic's name.
func (t *Topic) Name() string { return t.name }

// Ephemeral tells whether the topic lives in memory only, and goes with its last channel.
func (t *Topic) Ephemeral() bool { return t.ephemeral }

// TryPublish is Publish, but nothing tells of it if it fails: for who calls Publish then.
func (t *Topic) TryPublish(messages []Message) error { return t.publish(messages) }

// Publish appends messages to the topic: all of them or, when it returns an
// error, none. The bodies are copied. When it returns nil the messages are as
// durable as Config.Durability says. The error is ErrExiting, ErrDraining,
// ErrFull, ErrLowDisk or the disk's.
func (t *Topic) Publish(messages []Message) error {
	err := t.publish(messages)
	if Refuses(err) {
		t.refused(len(messages), err)
	}
	return err
}

func (t *Topic) publish(messages []Message) error {
	if err := t.broker.refuses(t); err != nil {
		return err
	}
	size, delayed := 0, false
	for i := range messages {
		size += len(messages[i].Body)
		delayed = delayed || messages[i].Delay > 0
	}
	times, now := diskqueue.Times{At: t.broker.wall(time.Now())}, int64(0)
	if delayed {
		now = t.broker.now()
		times.From = now - t.noteStep()
	}
	first, err := t.log.AppendIf(t.admission(), times, messages)
	if errors.Is(err, ErrFull) {
		return err
	}
	if err != nil {
		return t.broker.writeFailed(t, err)
	}
	if delayed {
		for _, c := range *t.readers.Load() {
			c.noteDeferred(first, messages, now)
		}
	}
	t.broker.wrote()
	t.messages.Add(uint64(len(messages)))
	t.bytes.Add(uint64(size))
	for _, c := range *t.readers.Load() {
		c.published()
	}
	return nil
}

// published returns how many messages were published as from ≤ offset < to, as
// far as that is known still. A log in memory has no gaps.
func (t *Topic) published(from, to uint64) uint64 {
	if !t.log.OnDisk() {
		return to - from
	}
	return t.log.Count(from, to)
}

// rereads tells whether bytes let go of can be read again from disk.
func (t *Topic) rereads() bool {
	return t.log.OnDisk() && t.log.Durability() != diskqueue.Memory
}

// pins tells whether a page shall keep its messages' bytes in memory: always if
// they are nowhere else, and otherwise as long as the budget lasts.
func (t *Topic) pins() bool { return !t.rereads() || !t.broker.budget.Exceeded() }

// Channel returns the channel of this name, and makes it if there is none. The
// first channel begins at the oldest message that no channel ever had, any other
// one with the next message. The error is ErrExiting.
func (t *Topic) Channel(name string) (*Channel, error) {
	t.mu.Lock()
	if c := t.channels[name]; c != nil {
		t.mu.Unlock()
		return c, nil
	}
	if t.exiting {
		t.mu.Unlock()
		return nil, ErrExiting
	}
	c := newChannel(t, name, min(t.hold.Load(), t.log.End()))
	if c.volatile && !t.ephemeral && len(t.channels) == 0 {
		c.found = t.log.End()
	}
	t.add(c)
	release := t.updateHold()
	t.mu.Unlock()
	t.broker.config.Infof("TOPIC(%s): new channel(%s)", t.name, name)
	t.checkpoint() // what is published from now on is the channel's, also after a kill
	t.kick(release)
	t.broker.config.Changed(Change{Topic: t.name, Channel: name})
	return c, nil
}

// add puts c among the channels. The caller holds mu.
func (t *Topic) add(c *Channel) {
	t.channels[c.name] = c
	t.publishReaders()
	t.noteLimits()
}

func (t *Topic) publishReaders() {
	list := make([]*Channel, 0, len(t.channels))
	for _, c := range t.channels {
		list = append(list, c)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].name < list[j].name })
	t.readers.Store(&list)
}

// updateHold makes the topic hold from its end on, or flow, as its state wants
// it. It returns true if messages became readable. The caller holds mu.
func (t *Topic) updateHold() (released bool) {
	holds := t.paused || t.learning || len(t.channels) == 0
	switch {
	case holds && t.hold.Load() == flowing:
		t.hold.Store(t.log.End())
	case !holds && t.hold.Load() != flowing:
		t.hold.Store(flowing)
		return true
	}
	return false
}

// heldFrom returns from where on the topic will hold its messages if the process
// ends now: what no channel that outlives it has had, and no other has finished.
// holds is false if there is a channel that outlives it and lets them flow.
func (t *Topic) heldFrom() (from uint64, holds bool) {
	if from = t.hold.Load(); from != flowing {
		return from, true
	}
	for _, c := range *t.readers.Load() {
		if !c.volatile {
			return flowing, false
		}
		c.mu.Lock()
		from = min(from, c.owedFrom())
		c.mu.Unlock()
	}
	return from, from != flowing
}

// kick wakes consumers after a hold has ended.
func (t *Topic) kick(released bool) {
	if !released {
		return
	}
	for _, c := range t.Channels() {
		c.noteHeld()
		c.retry()
	}
}

// FindChannel returns the channel of this name, if there is one.
func (t *Topic) FindChannel(name string) (*Channel, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c, ok := t.channels[name]
	return c, ok
}

// Channels returns the channels, sorted by name.
func (t *Topic) Channels() []*Channel { return append([]*Channel(nil), *t.readers.Load()...) }

// DeleteChannel removes a channel and what it owes, and disconnects its
// consumers. With its last channel an ephemeral topic goes too. The error is ErrNotFound.
func (t *Topic) DeleteChannel(name string) error {
	t.mu.Lock()
	c := t.channels[name]
	t.mu.Unlock()
	if c == nil {
		return ErrNotFound
	}
	return t.deleteChannel(c, false)
}

// deleteIdle removes an ephemeral channel that has lost its last consumer,
// unless it has got another one since. What the topic held before it, for a
// channel that was to come, goes back as far as it is not finished: who looks in
// does not take it away.
func (t *Topic) deleteIdle(c *Channel) {
	c.mu.Lock()
	idle := c.consumers() == 0
	c.exiting = c.exiting || idle
	c.mu.Unlock()
	if idle {
		t.deleteChannel(c, true) //nolint:errcheck // ErrNotFound: somebody else deleted it
	}
}

func (t *Topic) deleteChannel(c *Channel, giveBack bool) error {
	t.mu.Lock()
	if t.channels[c.name] != c {
		t.mu.Unlock()
		return ErrNotFound
	}
	delete(t.channels, c.name)
	if from, ok := c.unshown(); ok && giveBack && len(t.channels) == 0 {
		t.hold.Store(min(t.hold.Load(), from)) // before the channel lets go of it
	}
	t.publishReaders()
	t.noteLimits()
	t.updateHold()
	last := t.ephemeral && len(t.channels) == 0 && !t.exiting
	t.mu.Unlock()
	t.broker.config.Infof("TOPIC(%s): deleting channel %s", t.name, c.name)
	t.broker.config.Infof("CHANNEL(%s): deleting", c.name)
	for _, f := range c.close() {
		f()
	}
	c.discard()
	if t.journal != nil {
		t.journal.forget(c)
	}
	t.forget()
	t.broker.config.Changed(Change{Topic: t.name, Channel: c.name, Gone: true})
	if last {
		t.broker.DeleteTopic(t.name) //nolint:errcheck // ErrNotFound: somebody else deleted it
	}
	return nil
}

// Pause makes the topic hold: messages are accepted, but no channel gets them.
func (t *Topic) Pause() { t.setPaused(true) }

// Unpause lets them flow again.
func (t *Topic) Unpause() { t.setPaused(false) }

func (t *Topic) setPaused(paused bool) {
	t.mu.Lock()
	t.paused = paused
	released := t.updateHold()
	t.mu.Unlock()
	t.checkpoint()
	t.kick(released)
}

// Empty drops the messages that the topic holds; those that its channels have
// already stay. They do not come back, even if the process is killed next. The
// error is ErrExiting.
func (t *Topic) Empty() error {
	t.mu.Lock()
	if t.exiting {
		t.mu.Unlock()
		return ErrExiting
	}
	t.dropHeld(t.log.End())
	t.mu.Unlock()
	t.checkpoint()
	return nil
}

// dropHeld drops the messages that the topic holds before offset to, if it holds,
// and returns how many there were. The caller holds mu.
func (t *Topic) dropHeld(to uint64) (dropped uint64) {
	from := t.hold.Load()
	if from == flowing {
		return 0
	}
	dropped = t.log.Count(from, to)
	t.log.Discard(from, to)
	for _, c := range t.channels {
		c.mu.Lock()
		c.discarded += dropped
		c.view.Release() // it may show what is gone now; up to here the hold has kept it unread
		c.mu.Unlock()
	}
	t.hold.Store(to)
	return dropped
}

// forget lets the log drop the messages from memory that no channel owes. So what is
// deferred stays there, as far as Config.MemQueueSize and the budget let it, as long
// as the topic is not idle.
func (t *Topic) forget() {
	low := t.unread()
	if !t.log.Forgets(low) {
		return
	}
	if t.log.OnDisk() {
		for _, c := range *t.readers.Load() {
			low = min(low, c.oldest())
		}
	}
	t.log.Forget(low)
}

// unread returns the offset from which on messages are still to be read for the first time.
func (t *Topic) unread() uint64 {
	low := t.hold.Load()
	for _, c := range *t.readers.Load() {
		low = min(low, c.position.Load())
	}
	return low
}

// checkpoint writes to the journal what changed; with durability fsync it is on
// the disk then, as the messages are that channels come and go between.
func (t *Topic) checkpoint() {
	if t.journal == nil {
		return
	}
	err := t.journal.write()
	if err == nil && t.log.Durability() == diskqueue.Fsync {
		err = t.journal.sync()
	}
	t.diskFailed(err)
}

// diskFailed takes in that keeping the topic on the disk failed, if err is not nil
// or only says that the topic is closed: tend will try again.
func (t *Topic) diskFailed(err error) {
	if err == nil || errors.Is(err, diskqueue.ErrClosed) {
		return
	}
	t.ailing.Store(true)
	t.broker.health.Store(&failure{err})
	t.broker.config.Errorf("TOPIC(%s): failed to save it - %s", t.name, err)
}

// TopicStats is what /stats shows of a topic.
type TopicStats struct {
	Name         string
	Depth        int64 // messages held
	BackendDepth int64 // of those, not in memory
	Messages     uint64
	Bytes        uint64
	Paused       bool
	Rejected     uint64 // refused because the topic or a channel was full
	Dropped      uint64 // of those held, because there were too many
	Expired      uint64 // likewise, because they were too old
	// Limits is nil if neither the topic has any nor a channel that refuses publishes.
	Limits *protocol.LimitStats
}

// Stats returns the topic's figures.
func (t *Topic) Stats() TopicStats {
	t.shedHeld()
	t.mu.Lock()
	paused := t.paused
	t.mu.Unlock()
	s := TopicStats{Name: t.name, Paused: paused, Messages: t.messages.Load(), Bytes: t.bytes.Load(),
		Rejected: t.rejected.Load(), Dropped: t.dropped.Load(), Expired: t.expired.Load(), Limits: t.limitStats()}
	if from := t.hold.Load(); from != flowing {
		end := t.log.End()
		s.Depth = int64(t.log.Count(from, end))
		s.BackendDepth = int64(t.log.CountBackend(from, end))
		if t.ephemeral {
			s.Depth = min(s.Depth, max(t.broker.config.MemQueueSize, 1))
		}
	}
	return s
}

// Storage is what a topic occupies on disk.
type Storage struct {
	Bytes    int64  // in use in its log
	Segments int    // the log's files
	Journal  int64  // bytes
	Damaged  uint64 // messages found unreadable since the start
}

// Storage returns what the topic occupies; an ephemeral one, nothing.
func (t *Topic) Storage() Storage {
	s := Storage{Bytes: t.log.DiskBytes(), Segments: t.log.Segments(), Damaged: t.log.DamagedRecords()}
	if t.journal != nil {
		s.Journal = t.journal.file.Size()
	}
	return s
}

// Paused tells whether the topic is paused.
func (t *Topic) Paused() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.paused
}

// header writes the frame header of each message into the log, as on the first
// attempt here: a record's mark is how many there were elsewhere.
func (t *Topic) header(dst []byte, offset uint64, at int64, r *diskqueue.Record) {
	protocol.PutMessageHeader(dst, len(r.Body), at, r.Mark+1, t.broker.nodeBits|offset)
}
