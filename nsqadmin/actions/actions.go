package actions

import (
	"context"
	"slices"
	"sync"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/logging"
)

// maxRemembered is how many actions are remembered, the latest ones.
const maxRemembered = 500

// By says who asked for an action, and how.
type By struct {
	User      string // as nsqadmin's access rules know it
	BasicUser string // of the Authorization header
	RemoteIP  string // ip:port
	UserAgent string
	URL       string // of the request
}

// Entry is one action that was carried out.
type Entry struct {
	ID       int
	At       time.Time
	Command  cluster.Command
	By       By
	Outcomes []cluster.Outcome
	Warnings cluster.Warnings
	Err      error         // nobody could say where the topic is
	Took     time.Duration // in all
}

// Failed returns the outcomes that are failures.
func (e *Entry) Failed() (failed []cluster.Outcome) {
	for _, o := range e.Outcomes {
		if o.Err != nil {
			failed = append(failed, o)
		}
	}
	return failed
}

// Actor carries out actions. It is safe for concurrent use.
type Actor struct {
	cluster *cluster.Cluster
	log     *logging.Logger
	notify  *notifier // nil if nobody wants to know

	mu      sync.Mutex
	lastID  int
	entries []*Entry // oldest first
}

// New returns an Actor. Notifications go to the URL of config, if there is one.
func New(c *cluster.Cluster, config NotifyConfig, log *logging.Logger) *Actor {
	a := &Actor{cluster: c, log: log}
	if config.Endpoint != "" {
		a.notify = newNotifier(config, log)
	}
	return a
}

// Run sends notifications until ctx ends.
func (a *Actor) Run(ctx context.Context) {
	if a.notify != nil {
		a.notify.run(ctx)
	}
}

// Do carries out a command. The error is that of the cluster: nothing was done,
// or not all of it. It ends with ctx only if nothing has been sent yet, for half
// an action is worse than one whose client has gone.
func (a *Actor) Do(ctx context.Context, what cluster.Command, by By) (*Entry, error) {
	start := time.Now()
	early := what.Verb == cluster.Pause || what.Verb == cluster.Unpause || what.Verb == cluster.Empty
	if early {
		a.tell(what, by, start)
	}
	e := &Entry{At: start, Command: what, By: by}
	e.Outcomes, e.Warnings, e.Err = a.cluster.Do(context.WithoutCancel(ctx), what)
	e.Took = time.Since(start)
	if !early && e.Err == nil {
		a.tell(what, by, start)
	}
	a.remember(e)
	return e, e.Err
}

// Publish publishes messages to a topic on one node, and remembers that.
func (a *Actor) Publish(ctx context.Context, node *cluster.Node, topic string, delay time.Duration, bodies [][]byte, by By) *Entry {
	e := &Entry{At: time.Now(), By: by, Command: cluster.Command{Verb: cluster.Publish, Topic: topic}}
	o := a.cluster.Publish(context.WithoutCancel(ctx), node, topic, delay, bodies)
	e.Took, e.Outcomes = o.Took, []cluster.Outcome{o}
	a.remember(e)
	return e
}

func (a *Actor) remember(e *Entry) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lastID++
	e.ID = a.lastID
	if len(a.entries) == maxRemembered {
		a.entries = slices.Delete(a.entries, 0, 1)
	}
	a.entries = append(a.entries, e)
}

// Entries returns what is remembered, the latest first.
func (a *Actor) Entries() []*Entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	latest := slices.Clone(a.entries)
	slices.Reverse(latest)
	return latest
}

// Entry returns one action by its ID; nil if it is not remembered.
func (a *Actor) Entry(id int) *Entry {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, e := range a.entries {
		if e.ID == id {
			return e
		}
	}
	return nil
}
