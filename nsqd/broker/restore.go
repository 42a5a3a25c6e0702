package broker

import (
	"encoding/binary"
	"fmt"
	"slices"
	"sort"

	"nsqsuite/diskqueue"
	"nsqsuite/protocol"
)

// TopicMeta is what nsqd.dat tells of a topic.
type TopicMeta struct {
	Name     string
	Paused   bool
	Limits   protocol.OwnLimits
	Channels []ChannelMeta
}

// ChannelMeta is what nsqd.dat tells of a channel.
type ChannelMeta struct {
	Name   string
	Paused bool
	Limits protocol.OwnLimits
}

// Meta returns the topics and channels that nsqd.dat shall tell of: those that
// are not ephemeral, sorted by name.
func (b *Broker) Meta() []TopicMeta {
	var meta []TopicMeta
	for _, t := range b.Topics() {
		if t.ephemeral {
			continue
		}
		m := TopicMeta{Name: t.name, Paused: t.Paused(), Limits: t.Limits().Own}
		for _, c := range t.Channels() {
			if !c.Ephemeral() {
				m.Channels = append(m.Channels, ChannelMeta{Name: c.name, Paused: c.Paused(), Limits: c.Limits().Own})
			}
		}
		meta = append(meta, m)
	}
	return meta
}

// Restore opens the topics of meta, and those that the store has but meta does
// not know. One that meta tells of twice has the channels and pauses of both. It
// must be called before anything else. Names must be valid. It stops at the first
// topic that cannot be opened.
func (b *Broker) Restore(meta []TopicMeta) error {
	stored, err := b.config.Store.List()
	if err != nil {
		return err
	}
	b.checkFree()
	known := map[string]TopicMeta{}
	for _, m := range meta {
		if k, twice := known[m.Name]; twice {
			m.Paused, m.Channels = m.Paused || k.Paused, slices.Concat(k.Channels, m.Channels)
		}
		known[m.Name] = m
	}
	for _, name := range stored {
		if _, ok := known[name]; !ok && protocol.ValidName(name) {
			known[name] = TopicMeta{Name: name}
		}
	}
	for _, m := range known {
		t, err := b.open(m.Name)
		if err != nil {
			return err
		}
		t.complete(m)
		b.mu.Lock()
		b.topics[m.Name] = t
		b.mu.Unlock()
	}
	for _, t := range b.Topics() {
		b.config.Infof("TOPIC(%s): created", t.name)
		b.config.Changed(Change{Topic: t.name})
		for _, c := range t.Channels() {
			b.config.Infof("TOPIC(%s): new channel(%s)", t.name, c.name)
			b.config.Changed(Change{Topic: t.name, Channel: c.name})
		}
	}
	return nil
}

// complete gives the topic the channels and pauses that meta tells, and lets it flow.
func (t *Topic) complete(m TopicMeta) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.setOwn(m.Limits)
	for _, c := range t.channels {
		c.setOwn(c.own)
	}
	for _, cm := range m.Channels {
		c := t.channels[cm.Name]
		if c == nil { // the journal never came to know it, so it has had nothing for sure
			c = newChannel(t, cm.Name, min(t.hold.Load(), t.log.First()))
			t.add(c)
		}
		c.mu.Lock()
		c.paused = c.paused || cm.Paused
		c.setOwn(cm.Limits)
		c.mu.Unlock()
	}
	t.paused = m.Paused
	t.noteLimits()
	t.updateHold()
	t.startCounting()
}

// startCounting has the channels count the messages that enter them from now on.
func (t *Topic) startCounting() {
	for _, c := range *t.readers.Load() {
		c.mu.Lock()
		c.countFrom = c.limit()
		c.mu.Unlock()
	}
}

// savedTopic is what a journal tells.
type savedTopic struct {
	holds    bool
	hold     uint64
	position diskqueue.Position
	channels map[uint64]*savedChannel
	lastID   uint64
	// pages are of channels whose entry is still to come; if it never does, they never were.
	pages  map[uint64]map[uint64]savedPage
	bad    int // entries that make no sense
	taking uint64
	taken  []uint64
}

type savedChannel struct {
	name  string
	next  uint64
	pages map[uint64]savedPage
	skips diskqueue.Gaps
}

type savedPage struct {
	slots int
	live  []savedSlot
}

type savedSlot struct {
	index    int
	attempts uint16
	due      int64
}

// restore opens the topic's log and journal and makes the channels that it tells of.
func (t *Topic) restore(o diskqueue.Options) error {
	saved := savedTopic{channels: map[uint64]*savedChannel{}, pages: map[uint64]map[uint64]savedPage{}}
	store := t.broker.config.Store
	file, err := store.OpenJournal(t.name, saved.replay)
	if err != nil {
		return fmt.Errorf("reading journal of topic %s: %w", t.name, err)
	}
	if n := file.Unreadable(); n > 0 {
		t.broker.config.Warnf("TOPIC(%s): %d bytes at the end of the journal are unreadable, channels go on from before", t.name, n)
	}
	if saved.bad > 0 {
		t.broker.config.Warnf("TOPIC(%s): %d journal entries are not understood", t.name, saved.bad)
	}
	if t.log, err = store.Open(t.name, saved.position, o); err != nil {
		return err
	}
	t.journal = &journal{topic: t, file: file, lastID: saved.lastID, base: file.Size(), taken: saved.taken}
	t.journal.broken = len(saved.pages) > 0 // a write was cut off: no entry to come may be taken for its end
	for _, g := range saved.position.Gaps {
		t.log.Discard(g.From, min(g.To, t.log.End()))
	}
	for _, c := range saved.channels {
		t.log.Advance(c.next)
		if n := len(c.skips); n > 0 { // no message to come may lie there
			t.log.Advance(c.skips[n-1].To)
		}
	}
	t.hold.Store(t.log.First())
	if saved.holds {
		t.log.Advance(saved.hold)
		t.hold.Store(max(saved.hold, t.log.First()))
	} else if len(saved.channels) > 0 {
		t.hold.Store(flowing)
	}
	for id, c := range saved.channels {
		t.restoreChannel(id, c)
	}
	if saved.taking != 0 {
		return t.undoTakeOver(saved.taking)
	}
	if t.journal.broken || saved.position.Closed { // not any more, and who opens the topic after a crash must know
		t.checkpoint()
	}
	return nil
}

func (t *Topic) restoreChannel(id uint64, saved *savedChannel) {
	c := newChannel(t, saved.name, saved.next)
	c.journalID = id
	firsts := make([]uint64, 0, len(saved.pages))
	for first := range saved.pages {
		firsts = append(firsts, first)
	}
	sort.Slice(firsts, func(i, j int) bool { return firsts[i] < firsts[j] })
	ahead := t.broker.aheadOfWall()
	end := uint64(0)
	c.mu.Lock() // what is due already is looked at by the timer's goroutine
	defer c.mu.Unlock()
	for _, first := range firsts {
		if first < end {
			continue // pages do not overlap
		}
		s := saved.pages[first]
		if len(s.live) == 0 && first < c.next {
			continue
		}
		p := c.newPage(first, s.slots)
		end = p.end()
		for _, live := range s.live {
			p.slots[live.index].attempts = live.attempts
			if live.due == 0 {
				c.move(p, live.index, again)
			} else {
				p.slots[live.index].due = live.due + ahead
				c.move(p, live.index, deferred)
				c.schedule(p, live.due+ahead)
			}
		}
		p.saved, p.dirty = true, false
		if first < c.next {
			c.below.push(p)
			c.next = max(c.next, p.end())
		} else {
			c.ahead.push(p)
			p.missing = len(p.slots) - int(t.log.Count(p.first, p.end()))
			c.above += int64(len(p.slots) - p.missing)
		}
	}
	c.skips = saved.skips
	c.setNext(c.next)
	c.dirty = false
	t.add(c)
}

// replay takes one entry in. What makes no sense is left out.
func (s *savedTopic) replay(entry []byte) {
	if len(entry) == 0 {
		return
	}
	r := numbers{p: entry[1:]}
	switch entry[0] {
	case entryTopic:
		s.replayTopic(&r)
	case entryChannel:
		s.replayChannel(&r)
	case entryPages:
		s.replayPages(&r)
	default:
		r.bad = true
	}
	if r.bad {
		s.bad++
	}
}

func (s *savedTopic) replayTopic(r *numbers) {
	flags, hold := r.next(), r.next()
	p := diskqueue.Position{Segment: r.next(), Pos: int64(r.next()), Next: r.next(), End: r.next(), Closed: flags&flagClosed != 0}
	p.Gaps = r.gaps()
	taking := uint64(0)
	if flags&flagTaking != 0 {
		taking = r.next()
	}
	var taken []uint64
	if flags&flagTaken != 0 {
		for n := r.count(1); n > 0; n-- {
			taken = append(taken, r.next())
		}
	}
	if !r.bad {
		s.holds, s.hold, s.position = flags&flagHolds != 0, hold, p
		s.taking, s.taken = taking, taken
	}
}

func (s *savedTopic) replayChannel(r *numbers) {
	flags, id := r.next(), r.next()
	s.lastID = max(s.lastID, id)
	if flags&flagGone != 0 {
		delete(s.channels, id)
		delete(s.pages, id)
		return
	}
	next, name := r.next(), r.text()
	if r.bad || !protocol.ValidName(name) {
		r.bad = true
		return
	}
	c := s.channels[id]
	if c == nil {
		c = &savedChannel{name: name, pages: map[uint64]savedPage{}}
		s.channels[id] = c
	}
	c.next = next
	for first, p := range s.pages[id] {
		c.change(first, p)
	}
	delete(s.pages, id)
	r.pages(c.change)
	c.skips = nil
	if len(r.p) > 0 {
		c.skips = r.gaps()
	}
}

// replayPages keeps pages for the channel's entry that is to come.
func (s *savedTopic) replayPages(r *numbers) {
	id := r.next()
	if s.pages[id] == nil {
		s.pages[id] = map[uint64]savedPage{}
	}
	r.pages(func(first uint64, p savedPage) { s.pages[id][first] = p })
}

// change takes in what a page is now; one without slots is gone.
func (c *savedChannel) change(first uint64, p savedPage) {
	if p.slots == 0 {
		delete(c.pages, first)
	} else {
		c.pages[first] = p
	}
}

// pages reads what appendPages wrote.
func (r *numbers) pages(each func(first uint64, p savedPage)) {
	for n := r.count(3); n > 0 && !r.bad; n-- {
		first, p := r.next(), savedPage{slots: int(r.next())}
		for live := r.count(3); live > 0 && !r.bad; live-- {
			slot := savedSlot{index: int(r.next()), attempts: uint16(r.next()), due: int64(r.next())}
			r.bad = r.bad || slot.index < 0 || slot.index >= p.slots
			p.live = append(p.live, slot)
		}
		r.bad = r.bad || p.slots < 0 || p.slots > pageSize
		if !r.bad {
			each(first, p)
		}
	}
}

// numbers reads what appendNumbers wrote. After the end it yields zeros and is bad.
type numbers struct {
	p   []byte
	bad bool
}

func (r *numbers) next() uint64 {
	v, n := binary.Uvarint(r.p)
	if n <= 0 {
		r.bad, r.p = true, nil
		return 0
	}
	r.p = r.p[n:]
	return v
}

// count reads how many things follow of at least least bytes each; more than the entry can hold is bad.
func (r *numbers) count(least uint64) uint64 {
	n := r.next()
	if n > uint64(len(r.p))/least {
		r.bad = true
		return 0
	}
	return n
}

func (r *numbers) gaps() (gaps diskqueue.Gaps) {
	for n := r.count(2); n > 0; n-- {
		from, to := r.next(), r.next()
		gaps.Add(from, to)
	}
	return gaps
}

func (r *numbers) text() string {
	n := r.count(1)
	if r.bad {
		return ""
	}
	s := string(r.p[:n])
	r.p = r.p[n:]
	return s
}
