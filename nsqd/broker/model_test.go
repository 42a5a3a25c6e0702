package broker

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
	"nsqsuite/protocol"
)

const modelTimeout = 7 * time.Second // of messages in flight

// modelMessage is what a channel must know of a message.
type modelMessage struct {
	state    state // again stands for all that wait
	attempts uint16
	owner    *modelConsumer
	due      time.Time // in flight: when it times out; deferred: when it waits no more
	since    time.Time
	saved    bool // a checkpoint was made since it changed
	// after a crash the channel may remember an earlier moment
	blurred bool // attempts, or that it was deferred by REQ, may be forgotten
	maybe   bool // it may have been finished, or lost
}

// ending is how a broker ends.
type ending string

const (
	orderly ending = "close"
	kill    ending = "kill"
	power   ending = "power loss"
)

type modelConsumer struct {
	*Subscription
	channel *modelChannel
	ready   int
	idle    bool // its last Receive found nothing, and it was not woken since
}

type modelChannel struct {
	*Channel
	messages  map[string]*modelMessage // by body
	finished  map[string]bool          // since the last checkpoint
	consumers []*modelConsumer
	paused    bool
	closed    int // consumers told to close
	limits    modelLimits
	shed      uint64 // messages that the channel has said it dropped
}

// modelTopic is a topic with channels, on a file system that tests can end, and
// all that is known to be in it.
type modelTopic struct {
	t      *testing.T
	dice   *rand.Rand
	fs     *vfs.Mem
	config Config
	broker *Broker
	topic  *Topic

	channels map[string]*modelChannel
	held     map[string]time.Time // published but not yet the channels', by body; when due
	maybe    map[string]bool      // of all published: the end that came may have lost it
	unsynced map[string]bool      // published since the last sync
	ids      map[string]protocol.MessageID
	limits   modelLimits
	shed     uint64               // messages held that the topic has said it dropped …
	dropped  map[string]time.Time // … those since the last checkpoint, as in held
	born     map[string]time.Time // when it was published
	taken    bool                 // something was taken over, so bodies do not tell the order
	paused   bool
	torn     bool // the power failed, so what was not synced may be damaged
	count    int
	story    []string // what was done, for the log of a test that fails
}

func newModel(t *testing.T, seed uint64, d diskqueue.Durability) *modelTopic {
	m := &modelTopic{
		t: t, dice: rand.New(rand.NewPCG(seed, 3)), fs: newFS(),
		channels: map[string]*modelChannel{}, held: map[string]time.Time{}, maybe: map[string]bool{}, unsynced: map[string]bool{}, ids: map[string]protocol.MessageID{},
		dropped: map[string]time.Time{}, born: map[string]time.Time{},
		config: Config{Durability: d, MemQueueSize: 30, MaxBytesPerFile: 3000, MaxMsgTimeout: 2 * modelTimeout},
	}
	m.config.Errorf = func(format string, args ...any) {
		if text := fmt.Sprintf(format, args...); !m.torn || !strings.Contains(text, "are damaged") {
			t.Error(text)
		}
	}
	pass(time.Until(epoch.AddDate(1, 0, 0))) // so that a log goes on at higher offsets after a crash, as it does
	m.open(nil)
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(strings.Join(m.story[max(0, len(m.story)-40):], "\n"))
		}
	})
	return m
}

// note adds to the story, and the state after what was told last.
func (m *modelTopic) note(format string, args ...any) {
	state := ""
	for name, c := range m.channels {
		state += fmt.Sprintf(" %s: %s;", name, counts(c.Channel))
	}
	hold := m.topic.hold.Load()
	m.story = append(m.story, fmt.Sprintf("\tend %d hold %d%s", m.topic.log.End(), hold, state), fmt.Sprintf(format, args...))
}

// open opens a broker on the file system as it is, and joins its channels.
func (m *modelTopic) open(meta []TopicMeta) {
	m.t.Helper()
	m.config.Store = diskqueue.NewStore(m.fs, "/data", 4)
	m.broker = New(m.config)
	m.must(m.broker.Restore(meta))
	var err error
	if m.topic, err = m.broker.Topic("t"); err != nil {
		m.t.Fatal(err)
	}
	for name, c := range m.channels {
		found, ok := m.topic.FindChannel(name)
		if !ok {
			m.t.Fatalf("channel %s is gone", name)
		}
		c.Channel, c.consumers, c.closed, c.shed = found, nil, 0, 0
	}
	m.shed = 0
	synctest.Wait()
}

// holds tells whether published messages stay with the topic.
func (m *modelTopic) holds() bool { return m.paused || len(m.channels) == 0 }

func (m *modelTopic) publish(n int) {
	m.t.Helper()
	m.note("publish %d from m%d on", n, m.count)
	var batch []Message
	for range n {
		msg := Message{Body: fmt.Appendf(nil, "m%d%s", m.count, make([]byte, m.dice.IntN(80)))}
		m.count++
		if m.dice.IntN(4) == 0 {
			msg.Delay = time.Duration(1+m.dice.IntN(20)) * time.Second
		}
		m.held[string(msg.Body)] = time.Now().Add(msg.Delay)
		m.unsynced[string(msg.Body)] = true
		batch = append(batch, msg)
	}
	err := m.topic.Publish(batch)
	m.admitted(n, err)
	for _, msg := range batch {
		if body := string(msg.Body); err != nil {
			delete(m.held, body)
			delete(m.unsynced, body)
		} else {
			m.born[body] = time.Now()
		}
	}
	m.flow()
}

// flow gives the channels what the topic held, if it does not hold any more.
func (m *modelTopic) flow() {
	if m.holds() {
		return
	}
	for body, due := range m.held {
		for _, c := range m.channels {
			msg := &modelMessage{state: again, maybe: m.maybe[body]}
			if due.After(time.Now()) {
				msg.state, msg.due = deferred, due
			}
			c.messages[body] = msg
		}
	}
	clear(m.held)
}

func (m *modelTopic) create(name string) {
	m.t.Helper()
	if m.channels[name] != nil {
		return
	}
	m.syncHeld()
	m.note("create %s", name)
	c, err := m.topic.Channel(name)
	if err != nil {
		m.t.Fatal(err)
	}
	m.channels[name] = &modelChannel{Channel: c, messages: map[string]*modelMessage{}, finished: map[string]bool{}}
	m.flow()
	m.structure()
}

func (m *modelTopic) subscribe(c *modelChannel) {
	m.t.Helper()
	k := &modelConsumer{channel: c, idle: true}
	s, err := c.Subscribe(Consumer{
		MsgTimeout: modelTimeout,
		Wake: func() {
			if !k.idle {
				m.t.Error("a consumer that is awake was woken")
			}
			k.idle = false
		},
		Close: func() { c.closed++ },
	})
	if err != nil {
		m.t.Fatal(err)
	}
	k.Subscription = s
	c.consumers = append(c.consumers, k)
}

func (k *modelConsumer) setReady(n int) {
	k.ready = n
	k.SetReady(n)
}

// inFlight returns what the consumer, or one that is gone if it is nil, must answer for.
func (c *modelChannel) inFlight(k *modelConsumer) (list []string) {
	for body, msg := range c.messages {
		if msg.state == inFlight && msg.owner == k {
			list = append(list, body)
		}
	}
	return list
}

func (k *modelConsumer) room() int {
	if k.channel.paused {
		return 0
	}
	return k.ready - len(k.channel.inFlight(k))
}

// receive lets a consumer take all it can, and checks each message.
func (m *modelTopic) receive(k *modelConsumer) {
	m.t.Helper()
	m.note("receive, room %d", k.room())
	var r Run
	for {
		room := k.room()
		k.idle = false
		ok, err := k.Receive(&r, 300)
		if err != nil {
			m.t.Fatal(err)
		}
		k.idle = !ok
		if !ok {
			break
		}
		if r.Len() > room {
			m.t.Fatalf("%d messages for a room of %d", r.Len(), room)
		}
		for _, got := range decode(m.t, &r) {
			m.received(k, got)
		}
		r.Release()
	}
	m.sync(k.channel)
	if n := k.channel.certain(again); k.room() > 0 && n > 0 {
		m.t.Fatalf("nothing to take, but %d messages wait", n)
	}
}

func (m *modelTopic) received(k *modelConsumer, got protocol.Message) {
	m.t.Helper()
	m.note("received %.6q", got.Body)
	msg := k.channel.messages[string(got.Body)]
	if msg == nil {
		m.t.Fatalf("%.6q should not come", got.Body)
	}
	early := msg.state == deferred && !(msg.blurred && msg.attempts > 0)
	if early || msg.state == inFlight {
		m.t.Fatalf("%.6q came in state %d, due in %s", got.Body, msg.state, time.Until(msg.due))
	}
	if msg.blurred && got.Attempts <= msg.attempts+1 {
		msg.attempts = got.Attempts - 1
	}
	if got.Attempts != msg.attempts+1 {
		m.t.Fatalf("%.6q came with %d attempts, want %d", got.Body, got.Attempts, msg.attempts+1)
	}
	delete(m.maybe, string(got.Body))
	*msg = modelMessage{state: inFlight, attempts: got.Attempts, owner: k, since: time.Now(), due: time.Now().Add(modelTimeout)}
	m.ids[string(got.Body)] = got.ID
	delete(k.channel.finished, string(got.Body))
}

// finish takes a message out of the model.
func (c *modelChannel) finish(body string) {
	delete(c.messages, body)
	c.finished[body] = true
}

// certain counts the messages that are in a state for sure.
func (c *modelChannel) certain(s state) (n int) {
	for _, msg := range c.messages {
		if msg.state == s && !msg.maybe {
			n++
		}
	}
	return n
}

// pass lets time go by.
func (m *modelTopic) pass(d time.Duration) {
	m.note("let %s pass", d)
	pass(d)
	now := time.Now()
	for _, c := range m.channels {
		for _, msg := range c.messages {
			if (msg.state == inFlight || msg.state == deferred) && !msg.due.After(now) {
				msg.state, msg.owner = again, nil
			}
		}
	}
}

// settle lets everybody who is awake take messages until all sleep: then no
// message waits for a consumer that could take it.
func (m *modelTopic) settle() {
	m.t.Helper()
	synctest.Wait()
	for awake := true; awake; {
		awake = false
		for _, c := range m.channels {
			for _, k := range c.consumers {
				if !k.idle {
					awake = true
					m.receive(k)
				}
			}
		}
	}
	for name, c := range m.channels {
		for _, k := range c.consumers {
			if n := c.certain(again); n > 0 && k.room() > 0 {
				m.t.Fatalf("all sleep on %s, but %d messages wait and there is room for %d", name, n, k.room())
			}
		}
	}
}

// check compares what /stats says with the model.
func (m *modelTopic) check() {
	m.t.Helper()
	synctest.Wait()
	m.syncAll()
	heldMaybe := 0
	for body := range m.held {
		if m.maybe[body] {
			heldMaybe++
		}
	}
	if got := m.topic.Stats().Depth; got > int64(len(m.held)) || got < int64(len(m.held)-heldMaybe) {
		m.t.Fatalf("topic depth %d, want %d, of which %d may be lost", got, len(m.held), heldMaybe)
	}
	for name, c := range m.channels {
		s := c.Stats()
		owed, maybes, flying := int64(len(c.messages)), int64(0), int64(0)
		for _, msg := range c.messages {
			if msg.maybe {
				maybes++
			}
			if msg.state == inFlight {
				flying++
			}
		}
		if got := s.Depth + s.InFlight + s.Deferred; got > owed || got < owed-maybes || s.InFlight != flying {
			m.t.Fatalf("channel %s: depth %d, in flight %d, deferred %d; want %d in all, of which %d may be gone, and %d in flight; %s",
				name, s.Depth, s.InFlight, s.Deferred, owed, maybes, flying, m.difference(c))
		}
		if s.Depth < 0 || s.BackendDepth > s.Depth {
			m.t.Fatalf("channel %s: depth %d, backend depth %d", name, s.Depth, s.BackendDepth)
		}
	}
}
