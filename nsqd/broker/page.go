package broker

import (
	"sort"

	"nsqsuite/diskqueue"
)

// pageSize is how many messages a page covers at most.
const pageSize = 128

// smallPage is from how many messages on a page has memory for pageSize, so that
// it can be used again.
const smallPage = 32

// maxFreePages is how many empty pages a channel keeps for the next ones.
const maxFreePages = 32

// state says where a message that a page covers is.
type state uint8

const (
	finished state = iota
	inFlight
	again    // ready again: it was in flight or deferred, and waits to be handed out
	deferred // until slot.due
	states
)

// slot is one message of a channel.
type slot struct {
	due      int64 // in flight: when it times out; deferred: when it is ready. ns on the broker's clock
	since    int64 // in flight: when it was handed out
	owner    uint32
	attempts uint16 // deliveries so far
	state    state
}

// page is a run of messages that a channel owes, or some of which it does.
type page struct {
	first uint64
	slots []slot
	live  int // slots that are not finished
	again int // slots that are ready again
	// deferred is how many slots are deferred.
	deferred int
	// missing is how many of its messages a crash had taken from the log when the
	// page was restored. Nobody can hand them out, so they are not waiting.
	missing int
	// view has the bytes of some or all of the messages, or is empty: they are then with the log.
	view diskqueue.View
	// earliest is not later than the due time of any slot in flight or deferred.
	earliest int64
	place    int  // in Channel.dues, -1 if not there
	queued   bool // in Channel.againPages
	dirty    bool // differs from what the journal says
	saved    bool // the journal knows it
}

func (p *page) end() uint64 { return p.first + uint64(len(p.slots)) }

func (p *page) holds(offset uint64) bool { return offset-p.first < uint64(len(p.slots)) }

// row returns how many of numbers, the first of which is slot i's message, are one
// behind the other in p and in flight on one subscription, as they mostly are.
func (p *page) row(i int, numbers []uint64, owner uint32) int {
	n := 1
	for ; n < len(numbers) && i+n < len(p.slots) && numbers[n] == numbers[0]+uint64(n); n++ {
		if s := &p.slots[i+n]; s.state != inFlight || s.owner != owner {
			break
		}
	}
	return n
}

// pages is a list of pages, ascending, that do not overlap. Retired ones stay
// as nil until half of the list is nil.
type pages struct {
	list []*page
	// firsts has the first offset of each, so that a search touches no page.
	firsts []uint64
	head   int // what is before it is gone
	gone   int // nils behind head
}

// keepPages is for how many pages an empty list keeps memory.
const keepPages = 64

// len returns the length of the list, nils included.
func (l *pages) len() int { return len(l.list) - l.head }

func (l *pages) push(p *page) {
	if len(l.list) == cap(l.list) && l.head > len(l.list)/2 {
		l.compact()
	}
	l.list = append(l.list, p)
	l.firsts = append(l.firsts, p.first)
}

// find returns the page that covers offset, or nil.
func (l *pages) find(offset uint64) *page {
	i := l.index(offset)
	if i < l.head {
		return nil
	}
	if p := l.list[i]; p != nil && p.holds(offset) {
		return p
	}
	return nil
}

// index returns the index of the last page that begins at or before offset, or one below head.
func (l *pages) index(offset uint64) int {
	live := l.firsts[l.head:]
	return l.head + sort.Search(len(live), func(i int) bool { return live[i] > offset }) - 1
}

// from returns the list from the page on that covers offset, or the next one. There may be nils in it.
func (l *pages) from(offset uint64) []*page { return l.list[max(l.index(offset), l.head):] }

// next returns the first page that ends behind offset, or nil. Each place in the
// list that it looks at costs one of left; when there is none left it returns nil too.
func (l *pages) next(offset uint64, left *int) *page {
	for _, p := range l.from(offset) {
		if *left--; *left < 0 {
			return nil
		}
		if p != nil && p.end() > offset {
			return p
		}
	}
	return nil
}

// stretch returns at most most pages of the list, from the page on that covers
// offset, or the next one, where to go on, and whether there is more. There may be nils in it.
func (l *pages) stretch(offset uint64, most int) (list []*page, next uint64, more bool) {
	from := max(l.index(offset), l.head)
	to := min(from+most, len(l.list))
	if more = to < len(l.list); more {
		next = l.firsts[to]
	}
	return l.list[from:to], next, more
}

// front returns the first page, or nil.
func (l *pages) front() *page {
	for l.len() > 0 && l.list[l.head] == nil {
		l.popFront()
		l.gone--
	}
	if l.len() == 0 {
		return nil
	}
	return l.list[l.head]
}

// popFront removes the first page, which front has returned.
func (l *pages) popFront() {
	l.list[l.head] = nil
	l.head++
	if l.head < len(l.list) {
		return
	}
	if cap(l.list) > keepPages {
		l.list, l.firsts = nil, nil
	}
	l.list, l.firsts, l.head = l.list[:0], l.firsts[:0], 0
}

// last returns the last page, or nil.
func (l *pages) last() *page {
	if l.len() == 0 {
		return nil
	}
	return l.list[len(l.list)-1]
}

// remove takes the page that begins at first out.
func (l *pages) remove(first uint64) {
	i := l.index(first)
	if i < l.head || l.firsts[i] != first || l.list[i] == nil {
		return
	}
	l.list[i] = nil
	l.gone++
	l.front()
	if l.gone > 16 && l.gone > l.len()/2 {
		l.compact()
	}
}

// compact moves the pages to the start of the list's memory.
func (l *pages) compact() {
	n := 0
	for i := l.head; i < len(l.list); i++ {
		if p := l.list[i]; p != nil {
			l.list[n], l.firsts[n] = p, l.firsts[i]
			n++
		}
	}
	clear(l.list[n:])
	l.list, l.firsts, l.head, l.gone = l.list[:n], l.firsts[:n], 0, 0
}

// all calls f for each page, in order.
func (l *pages) all(f func(*page)) {
	for _, p := range l.list[l.head:] {
		if p != nil {
			f(p)
		}
	}
}

// overlaps tells whether a page covers any of first ≤ offset < end.
func (l *pages) overlaps(first, end uint64) bool {
	for i := max(l.index(first), l.head); i < len(l.list) && l.firsts[i] < end; i++ {
		if p := l.list[i]; p != nil && p.end() > first {
			return true
		}
	}
	return false
}

// dueHeap orders pages by earliest due time (container/heap).
type dueHeap []*page

func (h dueHeap) Len() int           { return len(h) }
func (h dueHeap) Less(i, j int) bool { return h[i].earliest < h[j].earliest }
func (h dueHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push and Pop are for container/heap.
func (h *dueHeap) Push(x any) {
	p := x.(*page)
	p.place = len(*h)
	*h = append(*h, p)
}

func (h *dueHeap) Pop() any {
	old := *h
	n := len(old) - 1
	p := old[n]
	old[n] = nil
	*h = old[:n]
	p.place = -1
	return p
}
