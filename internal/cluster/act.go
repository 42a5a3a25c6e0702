package cluster

import (
	"cmp"
	"context"
	"errors"
	"net/url"
	"slices"
	"strconv"
	"time"

	"nsqsuite/protocol"
)

// Verb is what a Command does.
type Verb string

// The verbs. Create, Delete and Tombstone reach the nsqlookupd too.
const (
	Create    Verb = "create"
	Delete    Verb = "delete"
	Pause     Verb = "pause"
	Unpause   Verb = "unpause"
	Empty     Verb = "empty"
	Tombstone Verb = "tombstone"
	Publish   Verb = "publish" // not of a Command that is Done: see Cluster.Publish

	Redrive     Verb = "redrive"      // what waits in the channel is moved to Command.To
	StopRedrive Verb = "stop-redrive" // likewise ended
	Cancel      Verb = "cancel"       // the deferred message Command.Message is dropped
	Limit       Verb = "limit"        // Command.Limits are its own from now on, and no others
)

// Command changes a topic, or one of its channels, wherever it is (nsqadmin.md 5).
type Command struct {
	Verb    Verb
	Topic   string
	Channel string             // "" if the topic itself is meant
	Node    string             // of Tombstone: host:port of the node that shall get no consumers for the topic
	To      string             // of Redrive: the topic that messages are moved to
	Rate    int64              // of Redrive: messages a second at most, on each node; 0: as fast as it goes
	Limit   int64              // of Redrive: messages at most, on each node; 0: all that wait
	Message string             // of Cancel: the message's ID
	Limits  protocol.OwnLimits // of Limit
	// Everywhere makes Create reach all nodes, not only those that have the topic.
	Everywhere bool
	// Only, if it is not empty, are the addresses that are told; the others are left out.
	Only []string
}

// Outcome is what one daemon has answered to a Command.
type Outcome struct {
	Who     string // nsqlookupd or nsqd
	Address string // host:port of its HTTP API
	Took    time.Duration
	Err     error
}

// command is a Command that is being carried out.
type command struct {
	Command
	cluster  *Cluster
	outcomes []Outcome
	warnings Warnings
}

// Do carries out a command. Daemons that refuse or do not answer are Warnings;
// the error is an *UnreachableError if nobody could say where the topic is.
func (c *Cluster) Do(ctx context.Context, what Command) ([]Outcome, Warnings, error) {
	do := &command{Command: what, cluster: c}
	var err error
	switch what.Verb {
	case Create:
		err = do.create(ctx)
	case Tombstone:
		err = do.tombstone(ctx)
	default:
		err = do.everywhere(ctx)
	}
	return do.outcomes, do.warnings, err
}

// everywhere tells all nodes of the topic. They are asked for before the
// nsqlookupd forget them.
func (d *command) everywhere(ctx context.Context) error {
	nodes, warnings, err := d.cluster.TopicNodes(ctx, d.Topic)
	d.warnings = append(d.warnings, warnings...)
	if err != nil {
		return err
	}
	path, q := d.object()
	if d.Verb == Delete {
		d.tell(ctx, lookupd, allGiven(d.cluster.Lookupds()), path, q)
	}
	d.tell(ctx, nsqd, targets(nodes), path, q)
	return nil
}

// object returns path and parameters of the command.
func (d *command) object() (path string, q url.Values) {
	if d.Verb == Limit {
		path, q = limitsOf(d.Topic, d.Channel)
		setLimits(q, d.Limits)
		return path, q
	}
	if d.Channel == "" {
		return "/topic/" + string(d.Verb), url.Values{"topic": {d.Topic}}
	}
	q = url.Values{"topic": {d.Topic}, "channel": {d.Channel}}
	switch d.Verb {
	case Redrive:
		q.Set("to", d.To)
		q.Set("rate", strconv.FormatInt(d.Rate, 10))
		q.Set("limit", strconv.FormatInt(d.Limit, 10))
	case StopRedrive:
		return "/channel/redrive/stop", q
	case Cancel:
		q.Set("id", d.Message)
	}
	return "/channel/" + string(d.Verb), q
}

// create makes the topic, and then the channel, known to the nsqlookupd, and the
// channel to the nodes that have the topic.
func (d *command) create(ctx context.Context) error {
	topic := url.Values{"topic": {d.Topic}}
	path, q := d.object()
	d.tell(ctx, lookupd, allGiven(d.cluster.Lookupds()), "/topic/create", topic)
	if d.Channel != "" {
		d.tell(ctx, lookupd, allGiven(d.cluster.Lookupds()), path, q)
	}
	all := d.Everywhere || !d.cluster.UsesLookupd()
	if d.Channel == "" && !all {
		return nil
	}
	var nodes []*Node
	var warnings Warnings
	var err error
	if all {
		nodes, warnings, err = d.cluster.Nodes(ctx)
	} else {
		nodes, warnings, err = d.cluster.TopicNodes(ctx, d.Topic)
	}
	d.warnings = append(d.warnings, warnings...)
	if err != nil {
		return err
	}
	if all {
		d.tell(ctx, nsqd, targets(nodes), "/topic/create", topic)
	}
	if d.Channel != "" {
		d.tell(ctx, nsqd, targets(nodes), path, q)
	}
	return nil
}

// tombstone hides a node from the topic's consumers and then takes the topic from it.
func (d *command) tombstone(ctx context.Context) error {
	topic := url.Values{"topic": {d.Topic}}
	d.tell(ctx, lookupd, allGiven(d.cluster.Lookupds()), "/topic/tombstone", url.Values{"topic": {d.Topic}, "node": {d.Node}})
	found, _, err := ask(nsqd, []target{d.cluster.find(ctx, d.Node)}, func(t target) (Report, error) {
		return d.cluster.describe(ctx, t, Query{}.values())
	})
	if err != nil {
		return err
	}
	d.tell(ctx, nsqd, []target{found[0].Node.target()}, "/topic/delete", topic)
	return nil
}

// tell sends one step of the command to all addresses at the same time.
func (d *command) tell(ctx context.Context, who string, to []target, path string, q url.Values) {
	if len(d.Only) > 0 {
		to = slices.DeleteFunc(to, func(t target) bool { return !slices.Contains(d.Only, t.name) })
	}
	results, _, _ := ask(who, to, func(t target) (Outcome, error) {
		start := time.Now()
		err := d.cluster.client.post(ctx, who, t, path, q, nil)
		return Outcome{Who: who, Address: t.name, Took: time.Since(start), Err: err}, nil
	})
	var failures []error
	for _, r := range results {
		if r.Err != nil {
			failures = append(failures, r.Err)
		}
		d.note(r)
	}
	if failed := errors.Join(failures...); failed != nil {
		d.warnings = append(d.warnings, failed.Error())
	}
}

// note keeps one outcome for each daemon: of several steps the first that failed.
func (d *command) note(o Outcome) {
	for i := range d.outcomes {
		if have := &d.outcomes[i]; have.Who == o.Who && have.Address == o.Address {
			have.Took += o.Took
			have.Err = cmp.Or(have.Err, o.Err)
			return
		}
	}
	d.outcomes = append(d.outcomes, o)
}

// find returns where a node of this name is asked. Of one that nobody knows no more
// is known than its name.
func (c *Cluster) find(ctx context.Context, name string) target {
	nodes, _, _ := c.Nodes(ctx) // an error leaves them unknown
	for _, n := range nodes {
		if n.HTTPAddress() == name {
			return n.target()
		}
	}
	t := given(name)
	for _, address := range slices.Concat(c.Lookupds(), c.nsqds) {
		t.discreet = t.discreet || given(address).discreet
	}
	return t
}

func targets(nodes []*Node) []target {
	all := make([]target, len(nodes))
	for i, n := range nodes {
		all[i] = n.target()
	}
	return all
}
