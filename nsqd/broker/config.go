package broker

import (
	"cmp"
	"errors"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/protocol"
)

// The errors that operations of this package return, besides those of the disk.
var (
	// ErrExiting says that the topic, the channel or the broker is going away.
	ErrExiting = errors.New("exiting")
	// ErrDraining says that the broker takes no more messages, see Drain.
	ErrDraining = errors.New("draining")
	// ErrNotFound says that there is no topic or channel of this name.
	ErrNotFound = errors.New("not found")
	// ErrTooManyConsumers says that Config.MaxChannelConsumers is reached.
	ErrTooManyConsumers = errors.New("too many consumers")
	// ErrNotInFlight says that no message with this ID is in flight on the channel.
	ErrNotInFlight = errors.New("ID not in flight")
	// ErrNotDeferred says that no message with this ID is deferred on the channel.
	ErrNotDeferred = errors.New("ID not deferred")
	// ErrNotOwner says that the message is in flight on another subscription.
	ErrNotOwner = errors.New("client does not own message")
)

// Config is what a Broker needs to know. Store is required.
type Config struct {
	// Store holds the logs of all topics that are not ephemeral.
	Store *diskqueue.Store
	// NodeID is the top ten bits of every message ID, 0 to 1023.
	NodeID int
	// MemQueueSize is how many messages of a topic stay in memory, and how far an
	// ephemeral channel may lag behind before it loses the oldest.
	MemQueueSize int64
	// MemoryBudget bounds the bytes of messages in memory over all topics; 0: no bound.
	MemoryBudget int64
	// MaxMsgTimeout bounds how long TOUCH can keep a message in flight, from its delivery.
	MaxMsgTimeout time.Duration
	// MaxBytesPerFile bounds a segment file of a log.
	MaxBytesPerFile int64
	// SyncTimeout is how long at most what was written stays unsynced.
	SyncTimeout time.Duration
	// MaxChannelConsumers bounds the subscriptions of a channel; 0: no bound.
	MaxChannelConsumers int
	// Durability is when a publish is acknowledged; ephemeral topics never touch the disk.
	Durability diskqueue.Durability

	// TopicLimits and ChannelLimits bound every topic and channel that has no limits of its own.
	TopicLimits, ChannelLimits protocol.QueueLimits
	// MinFree is how many bytes must be free on the store's file system for messages
	// to be accepted; 0: any number. See Broker.Run.
	MinFree int64

	// Changed is called after a topic or channel has come or gone. It must not block.
	Changed func(Change)
	// Learn returns the channels that a new topic shall begin with. It may block;
	// meanwhile the topic takes messages and holds them.
	Learn func(topic string) []string
	// Finished, if not nil, is told of the messages that a channel's consumer has
	// finished: how old each was, in ns since its publish, and for how many of
	// these it was in flight. It must not block, nor keep the slices.
	Finished func(topic, channel string, ages, held []int64)
	// Infof, Warnf and Errorf write to the log.
	Infof, Warnf, Errorf func(format string, args ...any)
}

// Change says that a topic, or a channel if Channel is not empty, has come or gone.
type Change struct {
	Topic   string
	Channel string
	Gone    bool
}

func (c *Config) fillIn() {
	if c.Changed == nil {
		c.Changed = func(Change) {}
	}
	if c.Learn == nil {
		c.Learn = func(string) []string { return nil }
	}
	for _, l := range []*protocol.QueueLimits{&c.TopicLimits, &c.ChannelLimits} {
		l.Overflow = cmp.Or(l.Overflow, protocol.Reject)
	}
	silent := func(string, ...any) {}
	for _, f := range []*func(string, ...any){&c.Infof, &c.Warnf, &c.Errorf} {
		if *f == nil {
			*f = silent
		}
	}
	if c.SyncTimeout <= 0 {
		c.SyncTimeout = 2 * time.Second
	}
	if c.MaxBytesPerFile <= 0 {
		c.MaxBytesPerFile = 100 << 20
	}
	if c.MaxMsgTimeout <= 0 {
		c.MaxMsgTimeout = 15 * time.Minute
	}
}
