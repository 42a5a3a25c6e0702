package registry

import "slices"

// numbers gives things numbers, and keeps the numbers low.
type numbers[T any] struct {
	things []*T
	free   []uint32
}

// add returns the number of a new thing.
func (n *numbers[T]) add(thing *T) uint32 {
	if k := len(n.free); k > 0 {
		number := n.free[k-1]
		n.free = n.free[:k-1]
		n.things[number] = thing
		return number
	}
	n.things = append(n.things, thing)
	return uint32(len(n.things) - 1)
}

func (n *numbers[T]) at(number uint32) *T { return n.things[number] }

// remove makes a number free for another thing.
func (n *numbers[T]) remove(number uint32) {
	n.things[number] = nil
	n.free = append(n.free, number)
}

// all calls f for every thing.
func (n *numbers[T]) all(f func(*T)) {
	for _, thing := range n.things {
		if thing != nil {
			f(thing)
		}
	}
}

// set is a set of numbers, sorted. What is new has the highest number most of
// the time, so adding is appending.
type set []uint32

// add tells whether n is new.
func (s *set) add(n uint32) bool {
	i, has := s.find(n)
	if !has {
		*s = slices.Insert(*s, i, n)
	}
	return !has
}

// remove tells whether n was there.
func (s *set) remove(n uint32) bool {
	i, has := s.find(n)
	if has {
		*s = slices.Delete(*s, i, i+1)
	}
	return has
}

func (s *set) find(n uint32) (int, bool) {
	if k := len(*s); k == 0 || n > (*s)[k-1] {
		return k, false
	}
	return slices.BinarySearch(*s, n)
}
