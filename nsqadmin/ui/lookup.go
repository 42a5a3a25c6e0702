package ui

import (
	"cmp"
	"slices"

	"nsqsuite/nsqadmin/collector"
)

// registration is what one nsqlookupd knows of a node.
type registration struct {
	Lookupd string
	Silent  bool // it does not answer
	Topics  int  // -1 if it does not know the node
}

type lookupRow struct {
	*collector.Node
	At []registration
	In int // how many know it
}

type tombstone struct {
	Topic, Host, Node string
	At                int // nsqlookupd that have it
}

type idleTopicRow struct {
	Topic    string
	Channels []string
	At       []string
}

type lookupData struct {
	Rows       []lookupRow
	Lookupds   []*collector.Lookupd
	Known      []int // nodes that each nsqlookupd knows
	Tombstones []tombstone
	Idle       []idleTopicRow
	In, Of     int // registrations
	Form       createForm
}

func (u *UI) lookup(r *request) view {
	s := r.snapshot
	data := lookupData{Lookupds: s.Lookupds, Known: make([]int, len(s.Lookupds)), Form: createForm{Topic: r.URL.Query().Get("topic"), Channel: r.URL.Query().Get("channel")}}
	for _, n := range s.Nodes {
		row := lookupRow{Node: n}
		for i, l := range s.Lookupds {
			reg := registration{Lookupd: l.Address, Silent: l.Err != nil, Topics: l.Registration(n)}
			if reg.Topics >= 0 {
				row.In++
				data.Known[i]++
			}
			row.At = append(row.At, reg)
		}
		data.In += row.In
		data.Of += len(s.Lookupds)
		data.Rows = append(data.Rows, row)
	}
	data.Tombstones = tombstones(s)
	for topic, channels := range s.Idle {
		row := idleTopicRow{Topic: topic, Channels: channels}
		for _, l := range s.Lookupds {
			if l.Known != nil && slices.Contains(l.Known.Topics, topic) {
				row.At = append(row.At, l.Address)
			}
		}
		data.Idle = append(data.Idle, row)
	}
	slices.SortFunc(data.Idle, func(a, b idleTopicRow) int { return cmp.Compare(a.Topic, b.Topic) })
	data.Form.check(s)
	return view{page: "lookup", title: "Lookup", data: data}
}

// tombstones returns which nodes are hidden for which topics.
func tombstones(s *collector.Snapshot) (all []tombstone) {
	for _, l := range s.Lookupds {
		if l.Known == nil {
			continue
		}
		for _, n := range l.Known.Nodes {
			for _, t := range n.Topics {
				if !t.Tombstoned {
					continue
				}
				i := slices.IndexFunc(all, func(have tombstone) bool { return have.Topic == t.Topic && have.Node == n.HTTPAddress() })
				if i < 0 {
					all = append(all, tombstone{Topic: t.Topic, Host: n.Hostname, Node: n.HTTPAddress()})
					i = len(all) - 1
				}
				all[i].At++
			}
		}
	}
	return all
}
