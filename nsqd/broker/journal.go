package broker

import (
	"encoding/binary"
	"errors"
	"sync"

	"nsqsuite/diskqueue"
)

// A topic's journal holds entries of two kinds, integers as uvarints:
//
//	'T' flags, hold, segment, position, next, end, number of gaps, from and to of each;
//	    if it is taking over, the offset from which on everything is provisional;
//	    if it has taken over, the number of originals, and what stands for each
//	'C' flags, id, next, length of name, name, number of pages, pages,
//	    and if there are any, number of ranges to skip, from and to of each
//
// and a page of a channel is
//
//	first, number of slots, number of live ones, and of each of those
//	its index, its attempts, and when it is due (Unix ns; 0: at once)
//
// A 'T' tells all of the topic. A 'C' tells the channel's cursor and the pages
// that changed since the entry before; a page without slots is gone, one ahead
// of the cursor without live slots tells what the cursor shall pass by. So the
// entry of a channel is whole or not there, whatever befalls the file.
const (
	entryTopic   = 'T'
	entryChannel = 'C'

	flagHolds  = 1 // 'T': hold is meant
	flagClosed = 2 // 'T': the topic was closed in order
	flagTaking = 4 // 'T': the topic is taking over
	flagTaken  = 8 // 'T': it has taken over, and its owner does not know yet
	flagGone   = 1 // 'C': the channel was deleted

	// rewriteFrom is the size in bytes from which a journal is written anew when
	// it is rewriteRatio times as large as a new one would be.
	rewriteFrom  = 64 << 10
	rewriteRatio = 4
)

// journal writes what a topic must find again after a restart.
type journal struct {
	topic *Topic
	file  *diskqueue.Journal

	mu      sync.Mutex // serialises writes; taken before Channel.mu
	lastID  uint64
	gone    []uint64 // channels deleted since the last write
	touched bool     // the topic's own entry is not up to date
	broken  bool     // a write failed: the next one tells everything
	base    int64    // size when it was last written anew
	// taking is the offset from which on everything is provisional; 0: nothing is.
	taking uint64
	taken  []uint64 // originals, see Topic.TakeOver
	buf    []byte
	entry  []byte
}

// touch has the next round write where the topic's hold is.
func (t *Topic) touch() {
	if j := t.journal; j != nil {
		j.mu.Lock()
		j.touched = true
		j.mu.Unlock()
	}
}

// forget notes that a channel was deleted, and writes it.
func (j *journal) forget(c *Channel) {
	j.mu.Lock()
	if c.journalID != 0 {
		j.gone = append(j.gone, c.journalID)
	}
	j.touched = true
	j.mu.Unlock()
	j.topic.checkpoint()
}

// changed tells whether write or sync would do anything.
func (j *journal) changed() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	changed := j.touched || j.broken || j.file.Dirty()
	for _, c := range j.topic.Channels() {
		c.mu.Lock()
		changed = changed || c.dirty && !c.volatile
		c.mu.Unlock()
	}
	return changed
}

// write appends what changed since the last time.
func (j *journal) write() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.append(j.broken, false)
}

// sync puts what was written on the disk. If that fails nobody can tell what is
// there: all is written anew next time.
func (j *journal) sync() error {
	err := j.file.Sync()
	if err != nil {
		j.distrust()
	}
	return err
}

// distrust has everything written anew next time.
func (j *journal) distrust() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = true
}

// finish writes what changed, as the last thing before the end, and syncs it.
func (j *journal) finish() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	err := errors.Join(j.append(j.broken, true), j.file.Sync())
	j.file.Close()
	return err
}

// close closes the file as it is.
func (j *journal) close() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.file.Close()
}

// append writes changes, or everything. The caller holds mu.
func (j *journal) append(all, closed bool) error {
	j.buf = j.buf[:0]
	j.topicEntry(closed)
	for _, id := range j.gone {
		j.entry = append(j.entry[:0], entryChannel)
		j.entry = appendNumbers(j.entry, flagGone, id)
		j.buf = diskqueue.AppendEntry(j.buf, j.entry)
	}
	for _, c := range j.topic.Channels() {
		if !c.volatile {
			j.channelEntry(c, all)
		}
	}
	var err error
	if all {
		err = j.file.Rewrite(j.buf)
		j.base = int64(len(j.buf))
	} else {
		err = j.file.Append(j.buf)
	}
	j.broken = err != nil
	if err != nil {
		return err
	}
	j.gone, j.touched = nil, false
	if size := j.file.Size(); !all && size > rewriteFrom && size > rewriteRatio*j.base {
		return j.append(true, closed)
	}
	return nil
}

func (j *journal) topicEntry(closed bool) {
	t := j.topic
	flags, hold := uint64(0), t.hold.Load()
	if hold != flowing {
		flags = flagHolds
	} else {
		hold = 0
	}
	if closed {
		flags |= flagClosed
	}
	if j.taking != 0 {
		flags |= flagTaking
	}
	if len(j.taken) > 0 {
		flags |= flagTaken
	}
	p := t.log.Position()
	j.entry = append(j.entry[:0], entryTopic)
	j.entry = appendNumbers(j.entry, flags, hold, p.Segment, uint64(p.Pos), p.Next, p.End, uint64(len(p.Gaps)))
	for _, g := range p.Gaps {
		j.entry = appendNumbers(j.entry, g.From, g.To)
	}
	if j.taking != 0 {
		j.entry = appendNumbers(j.entry, j.taking)
	}
	if n := len(j.taken); n > 0 {
		j.entry = appendNumbers(j.entry, uint64(n))
		j.entry = appendNumbers(j.entry, j.taken...)
	}
	j.buf = diskqueue.AppendEntry(j.buf, j.entry)
}

// channelEntry adds what changed in c, or all of it.
func (j *journal) channelEntry(c *Channel, all bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.dirty && !all {
		return
	}
	if c.journalID == 0 {
		j.lastID++
		c.journalID = j.lastID
	}
	j.entry = append(j.entry[:0], entryChannel)
	j.entry = appendNumbers(j.entry, 0, c.journalID, c.next, uint64(len(c.name)))
	j.entry = append(j.entry, c.name...)
	var changed []*page
	for _, l := range []*pages{&c.below, &c.ahead} {
		l.all(func(p *page) {
			if p.dirty || all {
				changed = append(changed, p)
			}
		})
	}
	gone := c.goneSaved
	if all {
		gone = nil
	}
	j.entry = appendNumbers(j.entry, uint64(len(changed)+len(gone)))
	for _, first := range gone {
		j.entry = appendNumbers(j.entry, first, 0, 0)
	}
	behind := -c.topic.broker.aheadOfWall()
	for _, p := range changed {
		j.entry = appendPage(j.entry, p, behind)
		p.dirty, p.saved = false, true
	}
	if len(c.skips) > 0 {
		j.entry = appendNumbers(j.entry, uint64(len(c.skips)))
		for _, s := range c.skips {
			j.entry = appendNumbers(j.entry, s.From, s.To)
		}
	}
	c.goneSaved, c.dirty = nil, false
	j.buf = diskqueue.AppendEntry(j.buf, j.entry)
}

func appendPage(dst []byte, p *page, toWall int64) []byte {
	dst = appendNumbers(dst, p.first, uint64(len(p.slots)), uint64(p.live))
	for i := range p.slots {
		s := &p.slots[i]
		if s.state == finished {
			continue
		}
		due := int64(0)
		if s.state == deferred {
			due = max(s.due+toWall, 1)
		}
		dst = appendNumbers(dst, uint64(i), uint64(s.attempts), uint64(due))
	}
	return dst
}

func appendNumbers(dst []byte, numbers ...uint64) []byte {
	for _, n := range numbers {
		dst = binary.AppendUvarint(dst, n)
	}
	return dst
}
