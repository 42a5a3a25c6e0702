package diskqueue

import "sort"

// Gap is a range of offsets, From ≤ offset < To, that holds no record.
type Gap struct{ From, To uint64 }

// Gaps is a sorted list of gaps that neither touch nor overlap.
type Gaps []Gap

// Add merges from ≤ offset < to into the list.
func (g *Gaps) Add(from, to uint64) {
	if from >= to {
		return
	}
	l := *g
	if n := len(l); n == 0 || l[n-1].To < from {
		*g = append(l, Gap{from, to})
		return
	}
	i := sort.Search(len(l), func(i int) bool { return l[i].To >= from })
	j := i
	for ; j < len(l) && l[j].From <= to; j++ {
		from, to = min(from, l[j].From), max(to, l[j].To)
	}
	rest := append([]Gap{{from, to}}, l[j:]...)
	*g = append(l[:i:i], rest...)
}

// Forget drops what lies below offset.
func (g *Gaps) Forget(offset uint64) {
	l := *g
	for len(l) > 0 && l[0].To <= offset {
		l = l[1:]
	}
	*g = l
}

// Skip returns offset, or the end of the gap that it lies in.
func (g Gaps) Skip(offset uint64) uint64 {
	if len(g) == 0 {
		return offset
	}
	if i := g.after(offset); i < len(g) && g[i].From <= offset {
		return g[i].To
	}
	return offset
}

// Next returns where the first gap that ends behind offset begins, but not less
// than offset, or the largest offset.
func (g Gaps) Next(offset uint64) uint64 {
	i := g.after(offset)
	if i < len(g) {
		return max(g[i].From, offset)
	}
	return ^uint64(0)
}

// In returns how many of the offsets from ≤ offset < to lie in gaps.
func (g Gaps) In(from, to uint64) uint64 {
	if len(g) == 0 {
		return 0
	}
	n := uint64(0)
	for i := g.after(from); i < len(g) && g[i].From < to; i++ {
		n += min(g[i].To, to) - max(g[i].From, from)
	}
	return n
}

// after returns the index of the first gap that ends behind offset.
func (g Gaps) after(offset uint64) int {
	return sort.Search(len(g), func(i int) bool { return g[i].To > offset })
}
