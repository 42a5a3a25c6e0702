package redrive

import (
	"context"
	"errors"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// MaxRunning is how many redrives run at the same time.
const MaxRunning = 32

// The reasons why there is no redrive.
var (
	ErrRunning = errors.New("a redrive of the channel is running")
	ErrTooMany = errors.New("too many redrives are running")
	ErrNone    = errors.New("there is no redrive of the channel")
)

// Request says what a redrive shall do.
type Request struct {
	Topic  string // of the source, for the log
	Source *broker.Channel
	To     string // a topic, which must have a valid name; it is made if there is none
	Rate   int64  // messages a second at most; 0: as fast as it goes
	Limit  int64  // messages at most; 0: all that wait
}

// Redriver starts and stops redrives. It is safe for concurrent use.
type Redriver struct {
	broker *broker.Broker
	infof  func(format string, args ...any)
	moved  atomic.Uint64

	mu      sync.Mutex
	jobs    map[*broker.Channel]*job // the last one of each channel
	running int
	closed  bool
	busy    sync.WaitGroup
}

// New returns a Redriver; infof writes to the log.
func New(b *broker.Broker, infof func(format string, args ...any)) *Redriver {
	return &Redriver{broker: b, infof: infof, jobs: map[*broker.Channel]*job{}}
}

// Moved returns how many messages have been moved since the start.
func (r *Redriver) Moved() uint64 { return r.moved.Load() }

// Start starts a redrive and returns how it begins. The errors are ErrRunning,
// ErrTooMany and broker.ErrExiting.
func (r *Redriver) Start(what Request) (protocol.Redrive, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch last := r.jobs[what.Source]; {
	case r.closed:
		return protocol.Redrive{}, broker.ErrExiting
	case last != nil && last.progress().State == protocol.RedriveRunning:
		return protocol.Redrive{}, ErrRunning
	case r.running == MaxRunning:
		return protocol.Redrive{}, ErrTooMany
	}
	ctx, stop := context.WithCancel(context.Background())
	j := &job{Request: what, redriver: r, stop: stop, ended: make(chan struct{})}
	sub, err := what.Source.Subscribe(broker.Consumer{Mover: true, MsgTimeout: holdFor, Close: stop})
	if err != nil {
		stop()
		return protocol.Redrive{}, err
	}
	total := what.Source.Stats().Depth
	if what.Limit > 0 {
		total = min(total, what.Limit)
	}
	j.now = protocol.Redrive{To: what.To, Rate: what.Rate, Total: total, Left: total, Started: time.Now().Unix(), State: protocol.RedriveRunning}
	r.jobs[what.Source] = j
	r.running++
	r.busy.Go(func() {
		defer stop()
		j.run(ctx, sub)
		r.mu.Lock()
		r.running--
		r.mu.Unlock()
	})
	return j.progress(), nil
}

// Progress returns how far the last redrive of a channel is, or was when it
// ended. The error is ErrNone.
func (r *Redriver) Progress(c *broker.Channel) (protocol.Redrive, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j := r.jobs[c]
	if j == nil {
		return protocol.Redrive{}, ErrNone
	}
	return j.progress(), nil
}

// Stop stops a channel's redrive, if it runs; messages that it holds are moved
// before it ends. The error is ErrNone.
func (r *Redriver) Stop(c *broker.Channel) (protocol.Redrive, error) {
	r.mu.Lock()
	j := r.jobs[c]
	r.mu.Unlock()
	if j == nil {
		return protocol.Redrive{}, ErrNone
	}
	j.stop()
	<-j.ended
	return j.progress(), nil
}

// Forget forgets what is known of a channel that is gone; an empty channel means all of the topic.
func (r *Redriver) Forget(topic, channel string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	maps.DeleteFunc(r.jobs, func(c *broker.Channel, j *job) bool {
		return j.Topic == topic && (channel == "" || c.Name() == channel)
	})
}

// Close stops all redrives, and returns when they have ended.
func (r *Redriver) Close() {
	r.mu.Lock()
	r.closed = true
	for _, j := range r.jobs {
		j.stop()
	}
	r.mu.Unlock()
	r.busy.Wait()
}
