package broker

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
)

// TestHistories runs random histories of everything that can happen to a topic
// with its channels and consumers, and compares it with a model all along.
func TestHistories(t *testing.T) {
	histories := uint64(150)
	if testing.Short() {
		histories = 30
	}
	for _, d := range []diskqueue.Durability{diskqueue.Memory, diskqueue.Write, diskqueue.Fsync} {
		for seed := range histories {
			t.Run(fmt.Sprintf("%d/%d", d, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newModel(t, seed, d)
					for range 250 {
						m.step()
					}
					m.finishAll()
					if err := m.broker.Close(); err != nil {
						t.Fatal(err)
					}
				})
			})
		}
	}
}

// pick returns a random element, in an order that the seed decides.
func pick[T any](m *modelTopic, list []T) (e T, ok bool) {
	if len(list) == 0 {
		return e, false
	}
	return list[m.dice.IntN(len(list))], true
}

func (m *modelTopic) step() {
	m.t.Helper()
	m.syncAll()
	names := slices.Sorted(maps.Keys(m.channels))
	name, _ := pick(m, names)
	c := m.channels[name]
	switch n := m.dice.IntN(100); {
	case n < 25:
		m.publish(1 + m.dice.IntN(10))
	case n < 33:
		m.pass(time.Duration(m.dice.IntN(4000)) * time.Millisecond)
	case n < 35:
		m.create(fmt.Sprint("c", m.dice.IntN(3)))
	case n < 38:
		m.tend()
	case n < 40:
		m.topicStep()
	case n < 42:
		m.restart(orderly)
	case n < 43:
		m.restart(kill)
	case n < 44:
		m.restart([]ending{orderly, kill}[m.dice.IntN(2)])
		m.takeOver()
	case n < 45:
		m.limit(c)
	case c == nil:
	case n < 48:
		if len(c.consumers) < 4 {
			m.subscribe(c)
		}
	case n < 50:
		m.channelStep(name, c)
	default:
		if k, ok := pick(m, c.consumers); ok {
			m.consumerStep(k)
		}
	}
	m.check()
	if m.dice.IntN(4) == 0 {
		m.settle()
		m.check()
	}
}

func (m *modelTopic) topicStep() {
	m.t.Helper()
	n := m.dice.IntN(3)
	m.note("topic: %s", [...]string{"pause", "unpause", "empty"}[n])
	switch n {
	case 0:
		m.topic.Pause()
		m.paused = true
	case 1:
		m.topic.Unpause()
		m.paused = false
		m.flow()
	default:
		if err := m.topic.Empty(); err != nil {
			m.t.Fatal(err)
		}
		clear(m.held)
	}
	m.structure()
}

func (m *modelTopic) channelStep(name string, c *modelChannel) {
	m.t.Helper()
	n := m.dice.IntN(5)
	m.note("%s: %s", name, [...]string{"pause", "unpause", "unpause", "empty", "delete"}[n])
	switch n {
	case 0:
		c.Pause()
		c.paused = true
	case 1, 2:
		c.Unpause()
		c.paused = false
	case 3:
		if err := c.Empty(); err != nil {
			m.t.Fatal(err)
		}
		clear(c.messages)
		clear(c.finished)
	default:
		if err := m.topic.DeleteChannel(name); err != nil {
			m.t.Fatal(err)
		}
		if c.closed != len(c.consumers) {
			m.t.Fatalf("%d of %d consumers told", c.closed, len(c.consumers))
		}
		for _, k := range c.consumers {
			k.Unsubscribe()
		}
		delete(m.channels, name)
	}
	m.structure()
}

func (m *modelTopic) consumerStep(k *modelConsumer) {
	m.t.Helper()
	c := k.channel
	mine := c.inFlight(k)
	slices.Sort(mine)
	body, ok := pick(m, mine)
	msg := c.messages[body]
	n := m.dice.IntN(100)
	m.note("consumer of %s: %d with %.6q", c.name, n, body)
	switch {
	case n < 20:
		k.setReady(m.dice.IntN(15))
	case n < 45:
		m.receive(k)
	case n < 48:
		k.Unsubscribe()
		c.consumers = slices.DeleteFunc(c.consumers, func(o *modelConsumer) bool { return o == k })
		for _, body := range mine {
			c.messages[body].owner = nil
		}
	case !ok:
	case n < 70:
		m.must(k.Finish(m.ids[body]))
		c.finish(body)
	case n < 80:
		m.must(k.Requeue(m.ids[body], 0))
		msg.state, msg.owner, msg.saved = again, nil, false
	case n < 88:
		delay := time.Duration(1+m.dice.IntN(9000)) * time.Millisecond
		m.must(k.Requeue(m.ids[body], delay))
		msg.state, msg.owner, msg.saved, msg.due = deferred, nil, false, time.Now().Add(delay)
	case n < 94:
		m.must(k.Touch(m.ids[body]))
		msg.due = time.Now().Add(modelTimeout)
		if most := msg.since.Add(2 * modelTimeout); msg.due.After(most) {
			msg.due = most
		}
	default:
		m.foreign(k, body)
	}
}

func (m *modelTopic) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

// foreign has another consumer of the channel answer for a message.
func (m *modelTopic) foreign(k *modelConsumer, body string) {
	m.t.Helper()
	for _, other := range k.channel.consumers {
		if other == k {
			continue
		}
		if err := other.Finish(m.ids[body]); err != ErrNotOwner {
			m.t.Fatalf("foreign finish: %v", err)
		}
		if err := other.Requeue(m.ids[body], 0); err != ErrNotOwner {
			m.t.Fatalf("foreign requeue: %v", err)
		}
		if err := other.Touch(m.ids[body]); err != ErrNotOwner {
			m.t.Fatalf("foreign touch: %v", err)
		}
	}
}

// finishAll opens everything and finishes every message there is.
func (m *modelTopic) finishAll() {
	m.t.Helper()
	m.topic.Unpause()
	m.paused = false
	m.flow()
	m.create("c0")
	m.pass(time.Minute)
	for name, c := range m.channels {
		c.Unpause()
		c.paused = false
		m.subscribe(c)
		k := c.consumers[len(c.consumers)-1]
		k.setReady(1 << 20)
		m.pass(time.Minute)
		m.receive(k)
		for body := range c.messages {
			if c.messages[body].state == inFlight {
				m.must(k.Finish(m.ids[body]))
				c.finish(body)
			}
		}
		for body, msg := range c.messages {
			if !msg.maybe {
				m.t.Fatalf("%.6q never came on %s", body, name)
			}
		}
		clear(c.messages)
	}
	m.check()
	m.tend()
	for _, c := range m.channels {
		if n := c.below.len() + c.ahead.len(); n > 0 {
			m.t.Fatalf("%d pages are left of nothing", n)
		}
	}
}
