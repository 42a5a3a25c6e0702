package target

import (
	"log"
	"slices"
	"sync"
	"time"
)

// fewTimes is from how many times on the percentiles mean something.
const fewTimes = 100

// Times logs how long messages take: after every so many a line for all, and one
// for each address if there are several. It is safe for concurrent use.
type Times struct {
	mu        sync.Mutex
	all       ring
	addresses []ring
}

// ring holds the last times of one address, or of all.
type ring struct {
	name  string
	every int
	times []time.Duration
}

// NewTimes returns Times that log after every so many; 0 never.
func NewTimes(every int, addresses []string) *Times {
	if every > 0 && every < fewTimes {
		log.Printf("Warning: use more than %d status values for accurate percentiles (configured with %d)", fewTimes, every)
	}
	t := &Times{all: ring{name: "aggregate", every: every}}
	if len(addresses) > 1 {
		for _, a := range addresses {
			t.addresses = append(t.addresses, ring{name: a, every: every})
		}
	}
	return t
}

// Add adds the time of a message that went to an address.
func (t *Times) Add(address int, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all.add(took)
	if len(t.addresses) > 0 {
		t.addresses[address].add(took)
	}
}

func (r *ring) add(took time.Duration) {
	if r.every <= 0 {
		return
	}
	if len(r.times) == r.every {
		r.report()
		r.times = r.times[:0]
	}
	r.times = append(r.times, took)
}

func (r *ring) report() {
	var sum time.Duration
	for _, d := range r.times {
		sum += d
	}
	slices.Sort(r.times)
	n := len(r.times)
	log.Printf("[%s]: finished %d - 99th: %.02fms - 95th: %.02fms - avg: %.02fms", r.name, n,
		milliseconds(r.times[n*99/100]), milliseconds(r.times[n*95/100]), milliseconds(sum)/float64(n))
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
