package registry

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"nsqsuite/protocol"
)

// nodes returns what EachNode tells.
func nodes(r *Registry, now time.Time) protocol.Nodes {
	all := protocol.Nodes{Producers: []protocol.Node{}}
	r.EachNode(now, func(n *protocol.Node) error { //nolint:errcheck // it fails only if this does
		kept := *n
		kept.Topics, kept.Tombstones = slices.Clone(n.Topics), slices.Clone(n.Tombstones)
		all.Producers = append(all.Producers, kept)
		return nil
	})
	return all
}

// TestNodesChangeMeanwhile has nodes and topics come and go while the nodes are told:
// each is told as it is then, in order, and one that has gone is not.
func TestNodesChangeMeanwhile(t *testing.T) {
	r := New(config)
	var peers []*Peer
	for n := range 3 {
		p := r.Identify(info(n), start)
		for _, name := range []string{"d", "b", "f"} {
			r.Register(p, Registration{Topic: name})
		}
		peers = append(peers, p)
	}
	told := ""
	err := r.EachNode(start, func(n *protocol.Node) error {
		if told == "" {
			r.Disconnect(peers[1])
			r.Identify(info(7), start) // has its number
			r.DeleteTopic("b")
			for _, name := range []string{"a", "e", "z", "c"} { // one has the number of b
				r.Register(peers[2], Registration{Topic: name})
			}
		}
		told += fmt.Sprint(n.BroadcastAddress, n.Topics)
		return nil
	})
	if want := "node0[b d f]node2[a c d e f z]"; err != nil || told != want {
		t.Errorf("told %s, %v, want %s", told, err, want)
	}
	full := errors.New("full")
	if err := r.EachNode(start, func(*protocol.Node) error { return full }); !errors.Is(err, full) {
		t.Errorf("%v", err)
	}
}
