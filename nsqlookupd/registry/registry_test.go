package registry

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"nsqsuite/protocol"
)

var (
	config = Config{InactiveTimeout: 5 * time.Minute, TombstoneLifetime: 45 * time.Second}
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func info(n int) protocol.Producer {
	return protocol.Producer{
		RemoteAddress:    fmt.Sprintf("10.0.0.%d:5000", n),
		BroadcastAddress: fmt.Sprintf("node%d", n),
		TCPPort:          4150,
		HTTPPort:         4151,
		Version:          "1.3.0",
	}
}

// at is a Registry at a moment.
type at struct {
	*testing.T
	*Registry
	now time.Time
}

func newAt(t *testing.T) *at { return &at{t, New(config), start} }

func (a *at) identify(n int) *Peer { return a.Identify(info(n), a.now) }

// producers checks which producers /lookup shows of a topic; nil: the topic is not known.
func (a *at) producers(topic string, want []string) {
	a.Helper()
	answer, ok := a.Lookup(topic, a.now)
	var got []string
	if ok {
		got = []string{}
	}
	for _, p := range answer.Producers {
		got = append(got, p.BroadcastAddress)
	}
	if !reflect.DeepEqual(got, want) {
		a.Errorf("%s: producers are %q, want %q", topic, got, want)
	}
}

func (a *at) names(what string, got []string, want ...string) {
	a.Helper()
	if want == nil {
		want = []string{}
	}
	if !reflect.DeepEqual(got, want) {
		a.Errorf("%s: %#v, want %#v", what, got, want)
	}
}

func (a *at) regs(what string, got []Registration, want ...Registration) {
	a.Helper()
	if !reflect.DeepEqual(got, want) {
		a.Errorf("%s: %v, want %v", what, got, want)
	}
}

func isNode(n int) func(*protocol.Producer) bool {
	return func(p *protocol.Producer) bool { return p.BroadcastAddress == info(n).BroadcastAddress }
}

func TestChannelRegistersTopic(t *testing.T) {
	a := newAt(t)
	p := a.identify(1)
	a.regs("added", a.Register(p, Registration{"t", "c"}), Registration{"t", "c"}, Registration{"t", ""})
	a.regs("added again", a.Register(p, Registration{"t", "c"}))
	a.regs("added, another channel", a.Register(p, Registration{"t", "d"}), Registration{"t", "d"})
	a.names("topics", a.Topics(), "t")
	a.names("channels", a.Channels("t"), "c", "d")
	a.producers("t", []string{"node1"})
	a.regs("removed", a.Unregister(p, Registration{"t", "c"}), Registration{"t", "c"})
	a.producers("t", []string{"node1"})
	a.names("channels without producers stay", a.Channels("t"), "c", "d")
	a.regs("removed with the topic", a.Unregister(p, Registration{"t", ""}), Registration{"t", "d"}, Registration{"t", ""})
	a.regs("removed from nothing", a.Unregister(p, Registration{"t", ""}))
	a.regs("removed from what is not there", a.Unregister(p, Registration{"u", "c"}))
	a.producers("t", []string{})
	a.names("channels", a.Channels("t"), "c", "d")
}

func TestEmptyRegistrationsStay(t *testing.T) {
	a := newAt(t)
	a.producers("t", nil)
	a.names("topics", a.Topics())
	a.names("channels", a.Channels("t"))
	p := a.identify(1)
	a.Register(p, Registration{"t", "c"})
	a.Register(p, Registration{"t", "c#ephemeral"})
	a.Register(p, Registration{"t#ephemeral", ""})
	if removed := a.Disconnect(p); len(removed) != 4 {
		t.Errorf("Disconnect removed %v", removed)
	}
	a.names("topics", a.Topics(), "t", "t#ephemeral")
	a.names("channels", a.Channels("t"), "c", "c#ephemeral")
	a.producers("t", []string{})
	a.DeleteTopic("t")
	a.DeleteTopic("unknown")
	a.producers("t", nil)
	a.names("topics", a.Topics(), "t#ephemeral")
	a.names("channels", a.Channels("t"))
}

func TestEphemeralGoesByUnregister(t *testing.T) {
	a := newAt(t)
	p, q := a.identify(1), a.identify(2)
	a.Create(Registration{"t", "c#ephemeral"})
	a.Unregister(q, Registration{"t", "c#ephemeral"}) // never a producer of it, yet it cleans up
	a.names("channels", a.Channels("t"))
	a.Register(p, Registration{"t", "c#ephemeral"})
	a.Register(q, Registration{"t", "c#ephemeral"})
	a.Unregister(p, Registration{"t", "c#ephemeral"})
	a.names("a producer is left", a.Channels("t"), "c#ephemeral")
	a.Unregister(q, Registration{"t", ""})
	a.names("not by the topic's UNREGISTER", a.Channels("t"), "c#ephemeral")
	a.Unregister(q, Registration{"t", "c#ephemeral"})
	a.names("channels", a.Channels("t"))

	a.Register(p, Registration{"u#ephemeral", "c"})
	a.Unregister(p, Registration{"u#ephemeral", ""})
	a.producers("u#ephemeral", nil)
	a.names("the topic's channels stay", a.Channels("u#ephemeral"), "c")
	a.names("topics", a.Topics(), "t")
	if !a.DeleteChannel(Registration{"u#ephemeral", "c"}) || a.DeleteChannel(Registration{"u#ephemeral", "c"}) {
		t.Error("DeleteChannel does not tell whether there was one")
	}
	a.names("channels", a.Channels("u#ephemeral"))
	a.Register(p, Registration{"u#ephemeral", ""})
	a.producers("u#ephemeral", []string{"node1"})
}

func TestInactive(t *testing.T) {
	a := newAt(t)
	p := a.identify(1)
	a.Register(p, Registration{"t", "c"})
	a.now = start.Add(config.InactiveTimeout)
	a.producers("t", []string{"node1"})
	a.now = a.now.Add(1)
	a.producers("t", []string{})
	a.Register(p, Registration{"t", "d"}) // no sign of life
	a.Unregister(p, Registration{"t", "d"})
	a.producers("t", []string{})
	if n := nodes(a.Registry, a.now); len(n.Producers) != 0 {
		t.Errorf("nodes: %+v", n)
	}
	a.names("topics", a.Topics(), "t")
	a.names("channels", a.Channels("t"), "c", "d")
	if before := a.Ping(p, a.now); !before.Equal(start) {
		t.Errorf("Ping says %s, want %s", before, start)
	}
	a.producers("t", []string{"node1"})
}

func TestTombstone(t *testing.T) {
	a := newAt(t)
	p, q := a.identify(1), a.identify(2)
	for _, peer := range []*Peer{p, q} {
		a.Register(peer, Registration{"t", "c"})
		a.Register(peer, Registration{"u", ""})
	}
	a.Tombstone("t", isNode(1), a.now)
	a.Tombstone("unknown", isNode(1), a.now)
	a.producers("t", []string{"node2"})
	a.producers("u", []string{"node1", "node2"})
	want := []protocol.Node{
		{Producer: info(1), Topics: []string{"t", "u"}, Tombstones: []bool{true, false}},
		{Producer: info(2), Topics: []string{"t", "u"}, Tombstones: []bool{false, false}},
	}
	if got := nodes(a.Registry, a.now); !reflect.DeepEqual(got.Producers, want) {
		t.Errorf("nodes: %+v, want %+v", got, want)
	}
	a.Register(p, Registration{"t", ""}) // clears nothing
	a.now = start.Add(config.TombstoneLifetime - 1)
	a.producers("t", []string{"node2"})
	a.Tombstone("t", isNode(1), a.now) // the clock starts anew
	a.now = a.now.Add(config.TombstoneLifetime - 1)
	a.producers("t", []string{"node2"})
	a.now = a.now.Add(1)
	a.producers("t", []string{"node1", "node2"})
	set := time.Time{}
	a.All(func(r Registration, producers []Entry) {
		if (r == Registration{"t", ""}) {
			set = producers[0].Tombstoned
		}
	})
	if set.IsZero() {
		t.Error("a tombstone that has lapsed is forgotten")
	}

	a.Tombstone("t", func(*protocol.Producer) bool { return true }, a.now)
	a.producers("t", []string{})
	a.Unregister(p, Registration{"t", ""})
	a.Register(p, Registration{"t", ""})
	a.producers("t", []string{"node1"})
	a.Disconnect(q)
	a.Register(a.identify(2), Registration{"t", ""}) // takes q's number, not its tombstone
	a.producers("t", []string{"node1", "node2"})
}

func TestDeleteTopicLeavesProducers(t *testing.T) {
	a := newAt(t)
	p := a.identify(1)
	a.Register(p, Registration{"t", "c"})
	a.Register(p, Registration{"u", "d"})
	a.DeleteTopic("t")
	a.producers("t", nil)
	a.names("channels", a.Channels("t"))
	if got := nodes(a.Registry, a.now).Producers; len(got) != 1 || !reflect.DeepEqual(got[0].Topics, []string{"u"}) {
		t.Errorf("nodes: %+v", got)
	}
	a.regs("disconnected", a.Disconnect(p), Registration{"u", "d"}, Registration{"u", ""})
	if got := nodes(a.Registry, a.now).Producers; got == nil || len(got) != 0 {
		t.Errorf("nodes: %#v", got)
	}
}

// TestNamesAreCopied: a name does not keep the line in memory that it came in.
func TestNamesAreCopied(t *testing.T) {
	const lines, size = 1000, 16 << 10
	a := newAt(t)
	p := a.identify(1)
	before := heap()
	for i := range lines {
		line := fmt.Sprintf("%08d%s", i, strings.Repeat(" ", size))
		a.Register(p, Registration{line[:8], line[4:8]})
	}
	if grown := int64(heap()) - int64(before); grown > lines*size/4 {
		t.Errorf("%d names take %d bytes", 2*lines, grown)
	}
	runtime.KeepAlive(a)
}
