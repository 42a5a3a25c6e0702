package main

import (
	"encoding/json"
	"io"
	"sync"
	"time"
)

// recorder puts the time on events and gives them to the checker in the order
// in which they happened. It is safe for concurrent use.
type recorder struct {
	started time.Time

	mu      sync.Mutex
	checker *checker
	out     *json.Encoder // gets every event, or nil
	topics  []int         // of each message
}

func newRecorder(p promise, out io.Writer) *recorder {
	r := &recorder{started: time.Now(), checker: newChecker(p)}
	if out != nil {
		r.out = json.NewEncoder(out)
	}
	return r
}

func (r *recorder) now() time.Duration { return time.Since(r.started) }

// add records that e happens now, or at e.At if that is set.
func (r *recorder) add(e event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(e)
}

func (r *recorder) put(e event) {
	if e.At == 0 {
		e.At = r.now()
	}
	if r.out != nil {
		r.out.Encode(e) //nolint:errcheck // a help for reading, not the proof
	}
	r.checker.add(e)
}

// publish records that messages are going to be published, and returns the
// number of the first; the others follow on.
func (r *recorder) publish(topic, count int, delay time.Duration) (first int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	first = len(r.topics)
	for range count {
		r.put(event{Kind: published, Message: len(r.topics), Delay: delay})
		r.topics = append(r.topics, topic)
	}
	return first
}

// all records the same of several messages in a row.
func (r *recorder) all(k kind, first, count int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range count {
		r.put(event{Kind: k, Message: first + i})
	}
}

// topic returns the topic that a message was published to.
func (r *recorder) topic(message int) (topic int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if message < 0 || message >= len(r.topics) {
		return 0, false
	}
	return r.topics[message], true
}

func (r *recorder) verdict() *report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.checker.verdict()
}

// figures returns how many messages were published and how many faults found so far.
func (r *recorder) figures() (messages, faults int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.checker.report.wrong {
		faults += n
	}
	return r.checker.report.published, faults
}
