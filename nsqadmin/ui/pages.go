package ui

import (
	"context"
	"errors"
	"slices"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/cluster"
)

func (u *UI) overview(ctx context.Context, _ httprouter.Params) (view, error) {
	w, err := u.ask(ctx)
	if err != nil {
		return view{}, err
	}
	data := struct {
		*whole
		Act, Watch []item
	}{whole: w}
	data.Act, data.Watch = attention(w)
	return view{page: "overview", title: "Overview", data: data, warnings: w.warnings}, nil
}

func (u *UI) topics(ctx context.Context, _ httprouter.Params) (view, error) {
	w, err := u.ask(ctx)
	if err != nil {
		return view{}, err
	}
	data := struct {
		*whole
		Unheld []string // known to a nsqlookupd, but no node has them
	}{whole: w}
	names, warnings, err := u.cluster.Topics(ctx)
	if err == nil {
		held := func(name string) bool {
			return slices.ContainsFunc(w.Topics, func(t topicRow) bool { return t.TopicName == name })
		}
		data.Unheld = slices.DeleteFunc(names, held)
	}
	return view{page: "topics", title: "Topics", data: data, warnings: append(w.warnings, warnings...)}, nil
}

func (u *UI) topic(ctx context.Context, p httprouter.Params) (view, error) {
	t, warnings, err := u.cluster.Topic(ctx, p.ByName("topic"))
	if err != nil {
		return view{}, err
	}
	rows := make([]topicRow, len(t.Nodes))
	for i, n := range t.Nodes {
		rows[i] = rowOf(n)
	}
	data := struct {
		topicRow
		Rows []topicRow // by node
	}{rowOf(t), rows}
	return view{page: "topic", title: t.TopicName, data: data, warnings: warnings}, nil
}

func (u *UI) channel(ctx context.Context, p httprouter.Params) (view, error) {
	c, warnings, err := u.cluster.Channel(ctx, p.ByName("topic"), p.ByName("channel"))
	if err != nil {
		return view{}, err
	}
	ready := int64(0)
	for _, client := range c.Clients {
		ready += client.ReadyCount
	}
	data := struct {
		*cluster.Channel
		Ready int64 // of all clients
	}{c, ready}
	return view{page: "channel", title: c.TopicName + " / " + c.ChannelName, data: data, warnings: warnings}, nil
}

func (u *UI) nodes(ctx context.Context, _ httprouter.Params) (view, error) {
	w, err := u.ask(ctx)
	if err != nil {
		return view{}, err
	}
	return view{page: "nodes", title: "Nodes", data: w, warnings: w.warnings}, nil
}

func (u *UI) node(ctx context.Context, p httprouter.Params) (view, error) {
	n, topics, warnings, err := u.cluster.Node(ctx, p.ByName("node"))
	if err != nil {
		return view{}, err
	}
	data := struct {
		*cluster.Node
		Rows  []topicRow
		Total totals
	}{Node: n}
	for _, t := range topics {
		data.Rows = append(data.Rows, rowOf(t))
		data.Total.addTopic(t)
	}
	return view{page: "node", title: n.Hostname, data: data, warnings: warnings}, nil
}

func (u *UI) lookup(ctx context.Context, _ httprouter.Params) (view, error) {
	data := struct {
		Direct   bool // there is no nsqlookupd: the nsqd are asked directly
		Lookupds []string
		Nodes    []*cluster.Node
		Inactive map[string][]string // channels by topic
	}{Direct: !u.cluster.UsesLookupd(), Lookupds: u.cluster.Lookupds()}
	v := view{page: "lookup", title: "Lookup"}
	if data.Direct {
		v.data = data
		return v, nil
	}
	var err, err2 error
	var more cluster.Warnings
	data.Nodes, v.warnings, err = u.cluster.Nodes(ctx)
	data.Inactive, more, err2 = u.cluster.Inactive(ctx)
	v.data, v.warnings = data, append(v.warnings, more...)
	return v, errors.Join(err, err2)
}

func (u *UI) counter(ctx context.Context, _ httprouter.Params) (view, error) {
	counts, warnings, err := u.cluster.Counters(ctx)
	if err != nil {
		return view{}, err
	}
	total := uint64(0)
	for _, c := range counts {
		total += c.MessageCount
	}
	return view{page: "counter", title: "Counter", data: total, warnings: warnings}, nil
}
