package broker

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"nsqsuite/protocol"
)

// modelLimits are the limits of the model's topic or of one of its channels; 0: none.
type modelLimits struct {
	keep   int // beyond which the oldest are dropped
	reject int // beyond which a publish is refused
	age    time.Duration
}

// limit gives the topic, or the channel if there is one, other limits.
func (m *modelTopic) limit(c *modelChannel) {
	var l modelLimits
	overflow, depth := protocol.Reject, int64(m.dice.IntN(25))
	switch m.dice.IntN(4) {
	case 0:
		l.reject = int(depth)
	case 1:
		l.keep, overflow = int(depth), protocol.DropOldest
	case 2:
		depth, l.age = 0, time.Duration(1+m.dice.IntN(15))*time.Second
	default:
		depth = 0
	}
	m.note("limit to %+v", l)
	change := own(overflow, depth, 0, l.age)
	if c == nil || m.dice.IntN(3) == 0 {
		m.limits = l
		m.topic.SetLimits(change)
	} else {
		c.limits = l
		c.SetLimits(change)
	}
	m.syncAll()
}

// admitted checks what became of a publish of n messages, which are in held already.
func (m *modelTopic) admitted(n int, err error) {
	m.t.Helper()
	if err != nil && !Refuses(err) {
		m.t.Fatal(err)
	}
	may, must := true, true // be accepted
	check := func(most, has, certain int) {
		if most > 0 {
			may = may && certain+n <= most
			must = must && has+n <= most
		}
	}
	if m.holds() {
		maybe := 0
		for body := range m.held {
			if m.maybe[body] {
				maybe++
			}
		}
		check(m.limits.reject, len(m.held)-n, len(m.held)-n-maybe)
	} else {
		for _, c := range m.channels {
			certain := 0
			for _, msg := range c.messages {
				if !msg.maybe {
					certain++
				}
			}
			check(m.limits.reject, len(c.messages), certain)
			check(c.limits.reject, len(c.messages), certain)
		}
	}
	if err == nil && !may || err != nil && must {
		m.t.Fatalf("publish of %d: %v", n, err)
	}
}

// syncAll takes in what topic and channels have dropped.
func (m *modelTopic) syncAll() {
	m.t.Helper()
	m.syncHeld()
	for _, c := range m.channels {
		m.sync(c)
	}
}

// sync takes in what the channel has dropped, and checks that it should: that it
// is the oldest, that nothing in flight is, and that no more is left than may be.
func (m *modelTopic) sync(c *modelChannel) {
	m.t.Helper()
	s := c.Stats()
	if n := s.Dropped + s.Expired - c.shed; n > 0 {
		gone, certain := m.drop(c, m.there(c))
		if uint64(certain) > n || n > uint64(gone) {
			m.t.Fatalf("%s: %d messages are gone, %d of them for sure, but %d are counted", c.name, gone, certain, n)
		}
		c.shed += n
	}
	if most := tightest(int64(m.limits.keep), int64(c.limits.keep)); most > 0 && s.InFlight+s.Depth+s.Deferred > max(most, s.InFlight) {
		m.t.Fatalf("%s keeps %d+%d+%d messages instead of %d", c.name, s.InFlight, s.Depth, s.Deferred, most)
	}
}

// drop takes out of the model what is not there any more.
func (m *modelTopic) drop(c *modelChannel, there map[string]bool) (gone, certain int) {
	m.t.Helper()
	oldest := 1 << 30 // of what is left and could have been dropped
	for body, msg := range c.messages {
		if there[body] && msg.state != inFlight {
			oldest = min(oldest, number(body))
		}
	}
	age := tightest(m.limits.age, c.limits.age)
	for body, msg := range c.messages {
		if there[body] {
			continue
		}
		gone++
		if msg.maybe {
			continue // if its bytes are lost nobody sees it, but it may still count
		}
		certain++
		born, known := m.born[body]
		old := age > 0 && known && time.Since(born) > age
		if msg.state == inFlight || !m.taken && number(body) > oldest && !old {
			m.t.Fatalf("%s: %.6q is dropped in state %d, while m%d is left", c.name, body, msg.state, oldest)
		}
		c.finish(body)
	}
	return gone, certain
}

// number returns the place of a message in the order of publishing.
func number(body string) int {
	digits, _, _ := strings.Cut(body[1:], "\x00")
	n, err := strconv.Atoi(digits)
	if err != nil {
		panic(err)
	}
	return n
}

// syncHeld is sync of what the topic holds.
func (m *modelTopic) syncHeld() {
	m.t.Helper()
	s := m.topic.Stats()
	n := s.Dropped + s.Expired - m.shed
	m.shed += n
	if n == 0 {
		return
	}
	there := m.shown(func(from uint64) ([]Peeked, uint64, error) { return m.topic.PeekHeld(from, MaxPeek, 1<<20) })
	for body, due := range m.held {
		if !there[body] && !m.maybe[body] { // else its bytes may be lost, and it still counts
			m.dropped[body] = due
			delete(m.held, body)
			n--
		}
	}
	if n != 0 && len(m.maybe) == 0 {
		m.t.Fatalf("the topic has counted %d messages too many as dropped", int64(n))
	}
}

// there returns the messages that the channel shows.
func (m *modelTopic) there(c *modelChannel) map[string]bool {
	m.t.Helper()
	return m.shown(func(from uint64) ([]Peeked, uint64, error) { return c.Peek(Anywhere, from, MaxPeek, 1<<20) })
}

// shown returns all that peek shows, page by page.
func (m *modelTopic) shown(peek func(from uint64) ([]Peeked, uint64, error)) map[string]bool {
	m.t.Helper()
	there := map[string]bool{}
	for from, more := uint64(0), true; more; more = from != 0 {
		found, next, err := peek(from)
		m.must(err)
		for _, p := range found {
			there[string(p.Body)] = true
		}
		from = next
	}
	return there
}

// difference tells which messages only the channel shows, or only the model has.
func (m *modelTopic) difference(c *modelChannel) (text string) {
	there := m.there(c)
	for body := range there {
		if c.messages[body] == nil {
			text += fmt.Sprintf(" +m%d", number(body))
		}
	}
	for body, msg := range c.messages {
		if !there[body] && !msg.maybe {
			text += fmt.Sprintf(" -m%d", number(body))
		}
	}
	return text
}
