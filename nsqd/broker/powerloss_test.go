package broker

import (
	"flag"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
)

var seeds = flag.Uint64("seeds", 40, "histories that TestPowerLoss runs in each mode")

// TestPowerLoss runs random histories in which the power fails now and then:
// what was synced is there, in durability fsync that is all that was published.
func TestPowerLoss(t *testing.T) {
	for _, d := range []diskqueue.Durability{diskqueue.Memory, diskqueue.Write, diskqueue.Fsync} {
		for seed := range *seeds {
			t.Run(fmt.Sprintf("%d/%d", d, seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := newModel(t, seed, d)
					for range 20 {
						for range 1 + m.dice.IntN(20) {
							m.step()
						}
						m.restart(power)
						m.check()
					}
					m.finishAll()
					m.must(m.broker.Close())
				})
			})
		}
	}
}

// tend has the broker write and sync what changed.
func (m *modelTopic) tend() {
	m.note("tend")
	m.topic.tend()
	if m.config.Durability != diskqueue.Memory {
		clear(m.unsynced)
	}
	m.syncAll()
	clear(m.dropped)
	for _, c := range m.channels {
		clear(c.finished)
		for _, msg := range c.messages {
			msg.saved = true
		}
	}
}

// structure makes sure that what was changed of channels and pauses, or emptied,
// survives: with durability fsync it does, as soon as it was done.
func (m *modelTopic) structure() {
	if m.config.Durability != diskqueue.Fsync {
		m.tend()
	}
}

// restart ends the broker and opens it again.
func (m *modelTopic) restart(how ending) {
	m.t.Helper()
	m.note("restart by %s", how)
	m.pass(time.Millisecond) // offsets are made from the time: it is past those that were given out
	m.syncAll()
	meta := m.broker.Meta()
	switch how {
	case orderly:
		m.must(m.broker.Close())
		clear(m.unsynced)
		clear(m.dropped)
	case kill:
		m.fs = m.fs.Kill()
	default:
		m.fs = m.fs.Crash(m.dice)
		m.torn = true
	}
	if how == power && m.config.Durability == diskqueue.Write || how != orderly && m.config.Durability == diskqueue.Memory {
		for body := range m.unsynced {
			m.maybe[body] = true
		}
	}
	for _, c := range m.channels {
		if how != orderly {
			for body := range c.finished {
				c.messages[body] = &modelMessage{state: again, maybe: true, blurred: true, attempts: 1 << 15}
			}
		}
		clear(c.finished)
		for body, msg := range c.messages {
			if msg.state == inFlight {
				msg.state, msg.owner = again, nil
			}
			msg.blurred = msg.blurred || how != orderly && !msg.saved
			msg.maybe = msg.maybe || m.maybe[body]
		}
	}
	for body, due := range m.dropped {
		m.held[body], m.maybe[body] = due, true
	}
	clear(m.dropped)
	m.open(meta)
	m.note("opened")
}
