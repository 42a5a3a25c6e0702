package broker

import (
	"errors"
	"fmt"

	"nsqsuite/diskqueue"
	"nsqsuite/protocol"
)

// Backlog is messages that a topic shall take over from elsewhere.
type Backlog struct {
	// Channel is whose they are alone, or empty if they are the topic's, for all channels.
	Channel string
	// Each gives the messages to take, in order. Their IDs do not matter, and
	// their bodies need to be there during the call only.
	Each func(take func(protocol.Message) error) error
}

// How many messages of a backlog, and bytes of bodies, are appended at once.
const (
	takeAtOnce      = 1000
	takeBytesAtOnce = 1 << 20
)

// TakeOver appends backlogs to the topic, those of channels before its own, with
// their timestamps and attempts. Either all is on the disk for good when it
// returns nil, or nothing is: what a crash or an error interrupts is undone, at the
// latest by the next Restore. TakenOver then returns originals, numbers that
// stand for where it all came from, until ForgetTakeOver: so that the owner can
// put the originals away in between and take nothing over twice. If the topic is
// paused and holds messages already, it holds the channels' backlogs too.
// The topic must not be ephemeral, nor have consumers. The error is ErrNotFound
// for a channel that does not exist, the backlog's, or the disk's.
func (t *Topic) TakeOver(backlogs []Backlog, originals []uint64) error {
	from := t.log.End()
	err := t.journal.noteTakeOver(from, nil, false)
	if err == nil {
		err = t.takeAll(backlogs)
	}
	if err == nil {
		err = t.log.Flush()
	}
	if err == nil {
		err = t.journal.noteTakeOver(0, originals, true)
	}
	if err != nil {
		return errors.Join(err, t.undoTakeOver(from))
	}
	t.startCounting()
	return nil
}

// TakenOver returns the originals of a TakeOver that is complete and not yet forgotten.
func (t *Topic) TakenOver() (originals []uint64) {
	if t.journal == nil {
		return nil
	}
	t.journal.mu.Lock()
	defer t.journal.mu.Unlock()
	return t.journal.taken
}

// ForgetTakeOver makes TakenOver return nothing, for good when it returns nil.
func (t *Topic) ForgetTakeOver() error { return t.journal.noteTakeOver(0, nil, false) }

// undoTakeOver drops what was taken over from offset from on, and has the
// journal say so before anything else is published there.
func (t *Topic) undoTakeOver(from uint64) error {
	t.log.Discard(from, t.log.End())
	return t.journal.noteTakeOver(0, nil, true)
}

// noteTakeOver puts into the journal, and on the disk, how a TakeOver stands.
func (j *journal) noteTakeOver(taking uint64, taken []uint64, all bool) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.taking, j.taken = taking, taken
	if err := j.append(all || j.broken, false); err != nil {
		return err
	}
	return j.file.Sync()
}

func (t *Topic) takeAll(backlogs []Backlog) error {
	start := t.log.End()
	for _, b := range backlogs {
		if b.Channel == "" {
			continue
		}
		c, ok := t.FindChannel(b.Channel)
		if !ok {
			return fmt.Errorf("channel %s: %w", b.Channel, ErrNotFound)
		}
		from := t.log.End()
		if err := t.take(b); err != nil {
			return err
		}
		for _, other := range t.Channels() {
			if other != c {
				other.skipRange(from, t.log.End())
			}
		}
	}
	t.mu.Lock()
	if from := t.hold.Load(); from != flowing && t.log.Count(from, start) == 0 {
		t.hold.Store(t.log.End()) // what the channels have got already is not the topic's to hold
	}
	t.mu.Unlock()
	for _, b := range backlogs {
		if b.Channel == "" {
			if err := t.take(b); err != nil {
				return err
			}
		}
	}
	return nil
}

// skipRange has the channel pass by messages that it does not own.
func (c *Channel) skipRange(from, to uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.skips.Add(from, to)
	c.setNext(c.next)
}

// take appends one backlog, batch by batch.
func (t *Topic) take(b Backlog) error {
	var batch []diskqueue.Record
	var bodies []byte
	flush := func() error {
		_, err := t.log.Append(0, batch)
		batch, bodies = batch[:0], bodies[:0]
		return err
	}
	err := b.Each(func(m protocol.Message) error {
		if len(batch) == takeAtOnce || len(m.Body) > takeBytesAtOnce-len(bodies) {
			if err := flush(); err != nil {
				return err
			}
		}
		r := diskqueue.Record{Body: m.Body, At: m.Timestamp, Mark: m.Attempts}
		if len(m.Body) > takeBytesAtOnce {
			_, err := t.log.Append(0, []diskqueue.Record{r})
			return err
		}
		bodies = append(bodies, m.Body...)
		r.Body = bodies[len(bodies)-len(m.Body):]
		batch = append(batch, r)
		return nil
	})
	if err != nil {
		return err
	}
	return flush()
}
