package collector

import "slices"

// Consumer is who consumes a channel, by one connection or several, to one node
// or many: those that call themselves the same are one.
type Consumer struct {
	*Client   // what its connections come to; who and how is that of the first
	Clients   []*Client
	Processes int // that call themselves so: as many as one node has connections of it
}

// consumers tells whose the channel's connections are.
func (c *Channel) consumers() {
	type name struct{ id, hostname, agent string }
	found := map[name]*Consumer{}
	for _, client := range c.Clients {
		of := name{client.ClientID, client.Hostname, client.UserAgent}
		if of.id == "" && of.hostname == "" {
			of.id = client.RemoteAddress // it does not say who it is
		}
		k := found[of]
		if k == nil {
			k = &Consumer{Client: client}
			found[of] = k
			c.Consuming = append(c.Consuming, k)
		} else {
			k.Client = sum(k.Client, client)
		}
		k.Clients = append(k.Clients, client)
	}
	for _, k := range c.Consuming {
		nodes := map[*Node]int{}
		for _, client := range k.Clients {
			nodes[client.On]++
			k.Processes = max(k.Processes, nodes[client.On])
		}
		c.Processes += k.Processes
	}
}

// sum returns what two connections of a consumer come to.
func sum(a, b *Client) *Client {
	both, all := *a, *a.Client
	all.InFlightCount += b.InFlightCount
	all.ReadyCount += b.ReadyCount
	all.FinishCount += b.FinishCount
	all.RequeueCount += b.RequeueCount
	all.MessageCount += b.MessageCount
	all.Connected = max(a.Connected, b.Connected)
	both.Client = &all
	both.Finished += b.Finished
	both.Idle = min(a.Idle, b.Idle)
	both.Seen = a.Seen || b.Seen
	both.Stuck = a.Stuck || b.Stuck
	return &both
}

// NodeNames returns the names of the nodes that it is connected to, once each.
func (k *Consumer) NodeNames() (names []string) {
	for _, client := range k.Clients {
		if !slices.Contains(names, client.On.Name) {
			names = append(names, client.On.Name)
		}
	}
	return names
}
