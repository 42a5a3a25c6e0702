package cluster

import (
	"errors"
	"testing"

	"nsqsuite/protocol"
)

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		address   string
		good      bool
		name, url string
	}{
		{"a:1", true, "a:1", "http://a:1"},
		{"a", true, "a", "http://a"}, // as NSQ's tools have it
		{"[::1]:4161", true, "[::1]:4161", "http://[::1]:4161"},
		{"https://a:1", true, "a:1", "https://a:1"},
		{"https://[::1]:1", true, "[::1]:1", "https://[::1]:1"},
		{address: "https://a"},
		{address: "https://a:"},
		{address: "https://:1"},
		{address: "https://"},
		{address: "https://a:1/"},
		{address: "https://a:1/x"},
		{address: "https://a:1?x"},
		{address: "https://u:p@a:1"},
		{address: "http://a:1"}, // is host:port
		{address: "ftp://a:1"},
		{address: "HTTPS://a:1"},
		{address: "a:1/x"},
	} {
		err := CheckAddress(c.address)
		if c.good != (err == nil) || err != nil && !errors.Is(err, ErrAddress) {
			t.Errorf("%s: %v", c.address, err)
		}
		if to := given(c.address); c.good && (to.name != c.name || Name(c.address) != c.name || to.url != c.url || to.discreet != (to.url == c.address)) {
			t.Errorf("%s: %+v", c.address, to)
		}
	}
}

// TestNodeIsAskedWhereItSays has two nsqlookupd, of which one is asked over TLS, name a node.
func TestNodeIsAskedWhereItSays(t *testing.T) {
	describe := func(by target, https string) *Node {
		return &Node{BroadcastAddress: "b", TCPPort: 1, HTTPPort: 2, https: https, discreet: by.discreet}
	}
	plain, secret := describe(given("l:1"), ""), describe(given("https://l:2"), "https://b:3")
	for _, registries := range [][]*Registry{{{Nodes: []*Node{plain}}, {Nodes: []*Node{secret}}}, {{Nodes: []*Node{secret}}, {Nodes: []*Node{plain}}}} {
		nodes := JoinRegistries(registries)
		if len(nodes) != 1 || nodes[0].target() != (target{name: "b:2", url: "https://b:3", discreet: true}) {
			t.Errorf("%d nodes, the first at %+v", len(nodes), nodes[0].target())
		}
	}
	if plain.URL() != "http://b:2" || plain.discreet {
		t.Errorf("in clear it is at %s", plain.URL())
	}
	for _, c := range []struct {
		lookupd     string
		http, https int
		want        target
	}{
		{"l:1", 2, 0, target{name: "b:2", url: "http://b:2"}},
		{"l:1", 2, 3, target{name: "b:2", url: "http://b:2", httpsPort: 3}}, // HTTPS may be there for others
		{"l:1", 0, 3, target{name: "b:3", url: "https://b:3", httpsPort: 3}},
		{"https://l:1", 2, 0, target{name: "b:2", url: "http://b:2", discreet: true}},
		{"https://l:1", 2, 3, target{name: "b:2", url: "https://b:3", discreet: true, httpsPort: 3}},
		{"https://l:1", 0, 3, target{name: "b:3", url: "https://b:3", discreet: true, httpsPort: 3}},
	} {
		n := newNode(given(c.lookupd), &protocol.Producer{BroadcastAddress: "b", TCPPort: 1, HTTPPort: c.http, HTTPSPort: c.https})
		if n.target() != c.want {
			t.Errorf("%+v: %+v", c, n.target())
		}
	}
	only := &Node{BroadcastAddress: "b", HTTPPort: -1}
	only.answersAt(given("https://c:3"))
	if only.HTTPAddress() != "c:3" || only.direct() != only.target() {
		t.Errorf("over HTTPS alone it is %s, at %+v and %+v", only.HTTPAddress(), only.target(), only.direct())
	}
}
