package registry

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"nsqsuite/protocol"
)

// model is the table as nsqlookupd.md 3.1 words it: registrations and their
// producers. It looks through everything for every question.
type model struct {
	regs map[Registration]map[int]*held
	last map[int]time.Time // connected peers
}

// held is a producer's entry in a registration.
type held struct{ tombstoned time.Time }

func (m *model) create(r Registration) {
	if m.regs[r] == nil {
		m.regs[r] = map[int]*held{}
	}
}

func (m *model) register(n int, r Registration) {
	for _, r := range []Registration{r, {Topic: r.Topic}} {
		m.create(r)
		if m.regs[r][n] == nil {
			m.regs[r][n] = &held{}
		}
	}
}

func (m *model) unregister(n int, r Registration) {
	if r.Channel == "" {
		for o, producers := range m.regs {
			if o.Topic == r.Topic {
				delete(producers, n)
			}
		}
	} else {
		delete(m.regs[r], n)
	}
	name := r.Channel
	if name == "" {
		name = r.Topic
	}
	if len(m.regs[r]) == 0 && protocol.IsEphemeral(name) {
		delete(m.regs, r)
	}
}

func (m *model) disconnect(n int) {
	for _, producers := range m.regs {
		delete(producers, n)
	}
	delete(m.last, n)
}

func (m *model) deleteTopic(topic string) {
	for r := range m.regs {
		if r.Topic == topic {
			delete(m.regs, r)
		}
	}
}

func (m *model) channels(topic string) []string {
	names := []string{}
	for r := range m.regs {
		if r.Topic == topic && r.Channel != "" {
			names = append(names, r.Channel)
		}
	}
	slices.Sort(names)
	return names
}

func (m *model) active(n int, now time.Time) bool {
	return now.Sub(m.last[n]) <= config.InactiveTimeout
}

func (h *held) entombed(now time.Time) bool {
	return !h.tombstoned.IsZero() && now.Sub(h.tombstoned) < config.TombstoneLifetime
}

func (m *model) lookup(topic string, now time.Time) (answer protocol.Lookup, ok bool) {
	producers, ok := m.regs[Registration{Topic: topic}]
	if !ok {
		return answer, false
	}
	answer = protocol.Lookup{Channels: m.channels(topic), Producers: []protocol.Producer{}}
	for n := range peers {
		if h := producers[n]; h != nil && m.active(n, now) && !h.entombed(now) {
			answer.Producers = append(answer.Producers, info(n))
		}
	}
	return answer, true
}

func (m *model) nodes(now time.Time) protocol.Nodes {
	answer := protocol.Nodes{Producers: []protocol.Node{}}
	for n := range peers {
		if _, ok := m.last[n]; !ok || !m.active(n, now) {
			continue
		}
		node := protocol.Node{Producer: info(n), Topics: []string{}, Tombstones: []bool{}}
		for _, topic := range topics {
			if h := m.regs[Registration{Topic: topic}][n]; h != nil {
				node.Topics = append(node.Topics, topic)
				node.Tombstones = append(node.Tombstones, h.entombed(now))
			}
		}
		answer.Producers = append(answer.Producers, node)
	}
	return answer
}

const peers = 6

var (
	topics   = []string{"a", "b#ephemeral", "c"}
	channels = []string{"x", "y#ephemeral", "z"}
)

// TestModel does the same random things to the table and to the model, and
// asks both everything after each.
func TestModel(t *testing.T) {
	const runs, steps = 40, 300
	for seed := range uint64(runs) {
		random := rand.New(rand.NewPCG(seed, 1))
		r := New(config)
		m := &model{regs: map[Registration]map[int]*held{}, last: map[int]time.Time{}}
		connected := map[int]*Peer{}
		now, did := start, ""
		for step := range steps {
			n := random.IntN(peers)
			reg := Registration{Topic: topics[random.IntN(len(topics))]}
			if random.IntN(3) > 0 {
				reg.Channel = channels[random.IntN(len(channels))]
			}
			what := random.IntN(10)
			now = now.Add(time.Duration(random.IntN(20)) * time.Second)
			did = fmt.Sprintf("seed %d, step %d: %d, peer %d, %v", seed, step, what, n, reg)
			p := connected[n]
			switch {
			case what == 0:
				r.Create(reg)
				m.create(reg)
				m.create(Registration{Topic: reg.Topic})
			case what == 1:
				r.DeleteTopic(reg.Topic)
				m.deleteTopic(reg.Topic)
			case what == 2 && reg.Channel != "":
				_, has := m.regs[reg]
				if r.DeleteChannel(reg) != has {
					t.Fatalf("%s: DeleteChannel says %t", did, !has)
				}
				delete(m.regs, reg)
			case what == 3:
				r.Tombstone(reg.Topic, isNode(n), now)
				if h := m.regs[Registration{Topic: reg.Topic}][n]; h != nil {
					h.tombstoned = now
				}
			case p == nil:
				connected[n] = r.Identify(info(n), now)
				m.last[n] = now
			case what == 4:
				r.Disconnect(p)
				delete(connected, n)
				m.disconnect(n)
			case what == 5:
				r.Ping(p, now)
				m.last[n] = now
			case what == 6:
				r.Unregister(p, reg)
				m.unregister(n, reg)
			default:
				r.Register(p, reg)
				m.register(n, reg)
			}
			compare(t, did, r, m, now)
		}
	}
}

func compare(t *testing.T, did string, r *Registry, m *model, now time.Time) {
	t.Helper()
	registered := []string{}
	for _, topic := range topics {
		want, wantOK := m.lookup(topic, now)
		if got, ok := r.Lookup(topic, now); ok != wantOK || !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: lookup of %s: %+v, want %+v", did, topic, got, want)
		}
		if got, want := r.Channels(topic), m.channels(topic); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: channels of %s: %q, want %q", did, topic, got, want)
		}
		if wantOK {
			registered = append(registered, topic)
		}
	}
	if got := r.Topics(); !reflect.DeepEqual(got, registered) {
		t.Fatalf("%s: topics: %q, want %q", did, got, registered)
	}
	if got, want := nodes(r, now), m.nodes(now); !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: nodes: %+v, want %+v", did, got, want)
	}
	count := 0
	r.All(func(_ Registration, producers []Entry) { count += len(producers) })
	want := len(m.last)
	for _, producers := range m.regs {
		want += len(producers)
	}
	if count != want {
		t.Fatalf("%s: %d entries, want %d", did, count, want)
	}
}
