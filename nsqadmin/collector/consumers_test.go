package collector

import (
	"testing"

	"nsqsuite/protocol"
)

func TestConsumersAreCountedOnce(t *testing.T) {
	watch(t, func(t *testing.T, m *model, c *Collector) {
		client := func(id, host, remote string, inFlight int64) protocol.ClientStats {
			return protocol.ClientStats{ClientID: id, Hostname: host, UserAgent: "go", RemoteAddress: remote, InFlightCount: inFlight, ReadyCount: 10, FinishCount: 5}
		}
		connect := func(address string, clients ...protocol.ClientStats) {
			m.channel(address, func(_ *protocol.TopicStats, c *protocol.ChannelStats) {
				c.Clients, c.ClientCount = clients, len(clients)
			})
		}
		connect("a:1", client("w", "h1", "1:1", 2), client("w", "h2", "2:1", 0), client("", "", "9:1", 0), client("twin", "h3", "3:1", 1), client("twin", "h3", "3:2", 1))
		connect("b:1", client("w", "h1", "1:2", 3), client("", "", "9:2", 0), client("twin", "h3", "3:3", 1))
		for c.Latest(t.Context()).Total.Consumers != 8 {
			cycles(c, 1)
		}
		ch := c.Latest(t.Context()).Topic("t").Channel("c")
		if len(ch.Consuming) != 5 || ch.Processes != 6 || ch.Sum.Consumers != 8 {
			t.Errorf("%d consumers, %d processes, %d connections", len(ch.Consuming), ch.Processes, ch.Sum.Consumers)
		}
		for _, k := range ch.Consuming {
			switch {
			case k.ClientID == "w" && k.Hostname == "h1":
				if len(k.Clients) != 2 || k.Processes != 1 || k.InFlightCount != 5 || k.ReadyCount != 20 || k.FinishCount != 10 || len(k.NodeNames()) != 2 {
					t.Errorf("%+v %+v", k, k.Client.Client)
				}
			case k.ClientID == "twin":
				if len(k.Clients) != 3 || k.Processes != 2 {
					t.Errorf("twins: %+v", k)
				}
			}
		}
		if ch.Clients[0].InFlightCount > 3 {
			t.Error("a connection was changed by adding it up")
		}
	})
}

func TestLowDisk(t *testing.T) {
	for _, c := range []struct {
		disk *protocol.Disk
		low  bool
	}{{nil, false}, {&protocol.Disk{FreeBytes: 5, TotalBytes: 100}, false}, {&protocol.Disk{FreeBytes: 4, TotalBytes: 100}, true}} {
		if n := (&Node{Disk: c.disk}); n.LowDisk() != c.low {
			t.Errorf("%+v: %t", c.disk, n.LowDisk())
		}
	}
}
