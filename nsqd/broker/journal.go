package broker

import (
	"encoding/binary"
	"errors"
	"sync"

	"nsqsuite/diskqueue"
)

// A topic's journal holds entries of three kinds, integers as uvarints:
//
//	'T' flags, hold, segment, position, next, end, number of gaps, from and to of each;
//	    if it is taking over, the offset from which on everything is provisional;
//	    if it has taken over, the number of originals, and what stands for each
//	'C' flags, id, next, length of name, name, number of pages, pages,
//	    and if there are any, number of ranges to skip, from and to of each
//	'P' id, number of pages, pages
//
// and a page of a channel is
//
//	first, number of slots, number of live ones, and of each of those
//	its index, its attempts, and when it is due (Unix ns; 0: at once)
//
// A 'T' tells all of the topic. A 'C' tells the channel's cursor and the pages
// that changed since the entry before; a page without slots is gone, one ahead
// of the cursor without live slots tells what the cursor shall pass by. More pages
// than one entry shall have go before it, as 'P', and count when it comes. So what
// is told of a channel at a time is whole or not there, whatever befalls the file.
const (
	entryTopic   = 'T'
	entryChannel = 'C'
	entryPages   = 'P'

	flagHolds  = 1 // 'T': hold is meant
	flagClosed = 2 // 'T': the topic was closed in order
	flagTaking = 4 // 'T': the topic is taking over
	flagTaken  = 8 // 'T': it has taken over, and its owner does not know yet
	flagGone   = 1 // 'C': the channel was deleted

	// rewriteFrom is the size in bytes from which a journal is written anew when
	// it is rewriteRatio times as large as a new one would be.
	rewriteFrom  = 64 << 10
	rewriteRatio = 4

	// pagesAtOnce is how many pages an entry has at most: so it is far smaller
	// than what a journal bears, however many messages a channel owes.
	pagesAtOnce = 1024
	// pagesAtATime is how many pages are looked at under one hold of a channel's lock.
	pagesAtATime = 64
	// writeFrom is the size in bytes from which entries are written before there are more.
	writeFrom = 256 << 10
	// keepEntries is for how many bytes of entries memory is kept.
	keepEntries = 1 << 20
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
	held    uint64   // what Topic.heldFrom was when it was last written
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
	from, _ := j.topic.heldFrom()
	changed := j.touched || j.broken || j.file.Dirty() || from != j.held
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
	var err error
	if all {
		err = j.file.Rewrite(func(add func([]byte) error) error { return j.entries(true, closed, add) })
		j.base = j.file.Size()
	} else {
		err = j.entries(false, closed, j.file.Append)
	}
	if cap(j.buf) > keepEntries {
		j.buf = nil
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

// entries gives add the entries of what changed, or of everything.
func (j *journal) entries(all, closed bool, add func([]byte) error) error {
	j.buf = j.buf[:0]
	j.topicEntry(closed)
	for _, id := range j.gone {
		j.entry = append(j.entry[:0], entryChannel)
		j.entry = appendNumbers(j.entry, flagGone, id)
		j.buf = diskqueue.AppendEntry(j.buf, j.entry)
	}
	for _, c := range j.topic.Channels() {
		if c.volatile || !j.prepare(c, all) {
			continue
		}
		if err := j.pagesEarly(c, add); err != nil {
			return err
		}
		j.channelEntry(c)
	}
	return add(j.buf)
}

func (j *journal) topicEntry(closed bool) {
	t := j.topic
	flags := uint64(0)
	hold, holds := t.heldFrom()
	j.held = hold
	if holds {
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

// prepare tells whether there is anything to write of c. All of it, if that is wanted, counts as changed.
func (j *journal) prepare(c *Channel, all bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.journalID == 0 {
		j.lastID++
		c.journalID = j.lastID
	}
	if all {
		c.below.all(func(p *page) { p.dirty = true })
		c.ahead.all(func(p *page) { p.dirty = true })
		c.dirty, c.goneSaved = true, nil
	}
	return c.dirty
}

// pagesEarly adds the changed pages of a channel that has many, a stretch of the
// list at a time, so that no consumer waits for the end of it. What changes
// meanwhile channelEntry tells.
func (j *journal) pagesEarly(c *Channel, add func([]byte) error) error {
	for _, l := range []*pages{&c.below, &c.ahead} {
		for from, more := uint64(0), true; more; {
			from, more = j.stretchEarly(c, l, from)
			if len(j.buf) < writeFrom {
				continue
			}
			if err := add(j.buf); err != nil {
				return err
			}
			j.buf = j.buf[:0]
		}
	}
	return nil
}

// stretchEarly adds the changed pages of one stretch, and returns where the next begins.
func (j *journal) stretchEarly(c *Channel, l *pages, from uint64) (next uint64, more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, next, more := l.stretch(from, pagesAtATime)
	if !more { // the rest is for channelEntry
		return 0, false
	}
	var changed [pagesAtATime]*page
	n := 0
	for _, p := range list {
		if p != nil && p.dirty {
			changed[n] = p
			n++
		}
	}
	if n > 0 {
		j.pagesEntry(c, nil, changed[:n])
	}
	return next, true
}

func (j *journal) pagesEntry(c *Channel, gone []uint64, changed []*page) {
	j.entry = append(j.entry[:0], entryPages)
	j.entry = appendNumbers(j.entry, c.journalID)
	j.entry = appendPages(j.entry, gone, changed, -c.topic.broker.aheadOfWall())
	j.buf = diskqueue.AppendEntry(j.buf, j.entry)
}

// channelEntry adds what changed in c and is not added yet.
func (j *journal) channelEntry(c *Channel) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var changed []*page
	for _, l := range []*pages{&c.below, &c.ahead} {
		l.all(func(p *page) {
			if p.dirty {
				changed = append(changed, p)
			}
		})
	}
	gone := c.goneSaved
	for len(gone)+len(changed) > pagesAtOnce {
		n := min(len(gone), pagesAtOnce)
		m := pagesAtOnce - n
		j.pagesEntry(c, gone[:n], changed[:m])
		gone, changed = gone[n:], changed[m:]
	}
	j.entry = append(j.entry[:0], entryChannel)
	j.entry = appendNumbers(j.entry, 0, c.journalID, c.next, uint64(len(c.name)))
	j.entry = append(j.entry, c.name...)
	j.entry = appendPages(j.entry, gone, changed, -c.topic.broker.aheadOfWall())
	if len(c.skips) > 0 {
		j.entry = appendNumbers(j.entry, uint64(len(c.skips)))
		for _, s := range c.skips {
			j.entry = appendNumbers(j.entry, s.From, s.To)
		}
	}
	c.goneSaved, c.dirty = nil, false
	j.buf = diskqueue.AppendEntry(j.buf, j.entry)
}

// appendPages appends pages, those that are gone first, with their number before
// them. The journal knows them from now on.
func appendPages(dst []byte, gone []uint64, changed []*page, toWall int64) []byte {
	dst = appendNumbers(dst, uint64(len(gone)+len(changed)))
	for _, first := range gone {
		dst = appendNumbers(dst, first, 0, 0)
	}
	for _, p := range changed {
		dst = appendPage(dst, p, toWall)
		p.dirty, p.saved = false, true
	}
	return dst
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
