package ui

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/cluster"
	"nsqsuite/nsqadmin/actions"
	"nsqsuite/nsqadmin/collector"
	"nsqsuite/protocol"
)

// maxObjects is how many topics one form may act on.
const maxObjects = 500

// actLink returns the page that asks before a verb is done.
func (u *UI) actLink(verb, topic, channel, node string) string {
	q := url.Values{"topic": {topic}}
	if channel != "" {
		q.Set("channel", channel)
	}
	if node != "" {
		q.Set("node", node)
	}
	return u.link("act", verb) + "?" + q.Encode()
}

// cost is one line of what an action will cost.
type cost struct{ Figure, What, Detail string }

// question is a page that asks before something is done.
type question struct {
	Verb    string
	Title   string
	Button  string
	Leave   string // the other button, if it does not say Cancel
	Says    string // what it means
	Grave   bool   // it cannot be undone
	Type    string // the name that must be typed; "" if none
	Wrong   bool   // another has been typed
	Typed   string
	Costs   []cost
	Silent  []string // nodes that will probably not do it
	Objects []string // topics, if there are several
	Fields  []field
	Back    string
	Admin   bool
	User    string
}

type field struct{ Name, Value string }

var verbs = []cluster.Verb{
	cluster.Create, cluster.Delete, cluster.Pause, cluster.Unpause, cluster.Empty, cluster.Tombstone,
	cluster.Redrive, cluster.StopRedrive, cluster.Cancel, cluster.Limit,
}

// onMessages tells whether a verb is for those only who may touch messages.
func onMessages(verb string) bool {
	v := cluster.Verb(verb)
	return v == cluster.Redrive || v == cluster.StopRedrive || v == cluster.Cancel
}

// commands returns what a form asks for.
func commands(verb string, q url.Values) ([]cluster.Command, error) {
	v := cluster.Verb(verb)
	topics := q["topic"]
	if !slices.Contains(verbs, v) || len(topics) == 0 || len(topics) > maxObjects {
		return nil, fmt.Errorf("there is no action %s on %s", verb, plural(len(topics), "topic"))
	}
	all := make([]cluster.Command, len(topics))
	for i, t := range topics {
		c := cluster.Command{Verb: v, Topic: t, Channel: q.Get("channel"), Node: q.Get("node"), Everywhere: q.Has("everywhere"), Only: q["only"]}
		if !protocol.ValidName(t) || c.Channel != "" && !protocol.ValidName(c.Channel) {
			return nil, fmt.Errorf("no topic or channel can be called %s %s", t, c.Channel)
		}
		if (v == cluster.Tombstone) != (c.Node != "") {
			return nil, fmt.Errorf("a tombstone needs a node, and nothing else does")
		}
		if onMessages(verb) {
			if err := aboutMessages(&c, q); err != nil {
				return nil, err
			}
		}
		if v == cluster.Limit {
			if err := aboutLimits(&c, q); err != nil {
				return nil, err
			}
		}
		all[i] = c
	}
	return all, nil
}

// confirm is the page that says what an action will cost.
func (u *UI) confirm(r *request) view {
	q, verb := r.URL.Query(), r.params.ByName("verb")
	if onMessages(verb) && !u.mayTouchMessages(r.visitor) {
		return refused
	}
	if form := redriveFormOf(q); verb == string(cluster.Redrive) && !form.check() {
		return u.redriveView(r, form, http.StatusUnprocessableEntity)
	}
	if form := limitFormOf(q); verb == string(cluster.Limit) {
		if _, ok := form.check(); !ok {
			return u.limitsView(r, &form)
		}
	}
	all, err := commands(verb, q)
	if err != nil {
		v := missing("Nothing to do: "+err.Error()+".", "", "")
		v.status = http.StatusBadRequest
		return v
	}
	ask := u.ask(r, all)
	return view{page: "confirm", title: ask.Title, data: ask}
}

func (u *UI) ask(r *request, all []cluster.Command) *question {
	first := all[0]
	q := &question{Verb: string(first.Verb), Admin: r.visitor.Admin, User: r.visitor.Name, Back: u.link("topics", first.Topic)}
	what, name := "topic", first.Topic
	if first.Channel != "" {
		what, name = "channel", first.Channel
	}
	if len(all) > 1 {
		what, name = "topics", plural(len(all), "topic")
		q.Back = u.link("topics")
		for _, c := range all {
			q.Objects = append(q.Objects, c.Topic)
		}
	} else if first.Channel != "" && first.Verb != cluster.Delete {
		q.Back = u.link("topics", first.Topic, first.Channel)
	}
	for _, c := range all[1:] {
		q.Fields = append(q.Fields, field{"topic", c.Topic})
	}
	q.Fields = append(q.Fields, fieldsOf(first)...)
	of := ""
	if first.Channel != "" {
		of = " of " + first.Topic
	}
	verb := strings.ToUpper(q.Verb[:1]) + q.Verb[1:]
	q.Title = fmt.Sprintf("%s %s %s%s?", verb, what, name, of)
	q.Button = verb + " " + what
	if len(all) > 1 {
		q.Title, q.Button = fmt.Sprintf("%s %s?", verb, name), verb+" "+name
	}
	u.consequences(r, q, all)
	if q.Grave && first.Verb != cluster.Cancel {
		q.Type = name
		if len(all) > 1 {
			q.Type = strconv.Itoa(len(all))
		}
	}
	return q
}

// consequences says what the action means, in numbers.
func (u *UI) consequences(r *request, q *question, all []cluster.Command) {
	s := r.snapshot
	var sum collector.Sum
	atTopic := int64(0)
	nodes := map[*collector.Node]bool{}
	for _, c := range all {
		t := s.Topic(c.Topic)
		if t == nil {
			continue
		}
		for _, on := range t.On {
			nodes[on.On] = true
		}
		if c.Channel == "" {
			sum.Add(&t.Sum)
			atTopic += t.Topic.Depth
		} else if ch := t.Channel(c.Channel); ch != nil {
			sum.Add(&ch.Sum)
		}
	}
	first := all[0]
	for n := range nodes {
		if n.Stale && (first.Node == "" || n.Address == first.Node) {
			q.Silent = append(q.Silent, n.Name)
		}
	}
	slices.Sort(q.Silent)
	on := "on " + plural(len(nodes), "node")
	switch first.Verb {
	case cluster.Delete:
		q.Grave, q.Says = true, "This cannot be undone."
		q.Costs = append(q.Costs, dropped(&sum, sum.Depth, on)...)
		if first.Channel == "" && sum.ChannelCount > 0 {
			q.Costs = append(q.Costs, cost{number(sum.ChannelCount), "channels are deleted", ""})
		}
		q.Costs = append(q.Costs, cost{number(sum.Consumers), "consumers are disconnected", "one that comes back creates the channel again, empty"})
	case cluster.Empty:
		q.Grave, q.Says = true, "This cannot be undone. Consumers stay connected."
		if first.Channel == "" {
			q.Says += " Only what waits at the topic itself is dropped, not what its channels hold."
			q.Costs = []cost{{number(atTopic), "waiting messages are dropped", on}}
			return
		}
		q.Costs = dropped(&sum, sum.Depth, on)
	case cluster.Pause:
		q.Says = "Messages are kept and wait until it is unpaused. What is in flight can still be finished."
		if first.Channel == "" {
			q.Says = "Its channels get nothing of what is published until it is unpaused; it waits at the topic."
		}
		q.Costs = []cost{{number(sum.Consumers), "consumers get no new messages", on}, {perSecond(sum.In) + "/s", "come in and wait", ""}}
	case cluster.Unpause:
		q.Says = "Messages flow again."
		q.Costs = []cost{{number(sum.Depth), "messages wait", on}, {number(sum.Consumers), "consumers get them", ""}}
	case cluster.Tombstone:
		u.hiding(s, q, first)
	case cluster.Redrive, cluster.StopRedrive, cluster.Cancel:
		u.moving(s, q, first)
	case cluster.Limit:
		u.limiting(r, q, first)
	case cluster.Create:
		q.Says = "It is made known to all nsqlookupd, and made on the nodes that have the topic."
	}
}

// hiding says what a tombstone means.
func (u *UI) hiding(s *collector.Snapshot, q *question, c cluster.Command) {
	host := c.Node
	if n := s.Node(c.Node); n != nil {
		host = n.Name
	}
	q.Title, q.Button = fmt.Sprintf("Tombstone %s on %s?", c.Topic, host), "Tombstone topic there"
	q.Grave, q.Back = true, u.link("topics", c.Topic)
	q.Says = "Consumers are no longer sent to " + host + " for this topic, and the topic is deleted there, with what it holds. If somebody publishes there again, it comes back."
	t := s.Topic(c.Topic)
	if t == nil {
		return
	}
	for _, on := range t.On {
		if on.On.Address != c.Node && on.Node != c.Node {
			continue
		}
		depth := on.Depth
		for _, ch := range on.Channels {
			depth += ch.Depth
		}
		q.Costs = []cost{{number(depth), "waiting messages are dropped", "on " + host}}
	}
}

func dropped(sum *collector.Sum, waiting int64, on string) []cost {
	return []cost{
		{number(waiting), "waiting messages are dropped", fmt.Sprintf("%s of them on disk, %s", number(sum.OnDisk), on)},
		{number(sum.InFlight + sum.Deferred), "messages in flight or deferred are dropped", "a consumer that finishes one gets E_FIN_FAILED"},
	}
}

// fieldsOf returns what a form sends to have a command done.
func fieldsOf(c cluster.Command) (fields []field) {
	for _, f := range []field{
		{"topic", c.Topic}, {"channel", c.Channel}, {"node", c.Node},
		{"to", c.To}, {"rate", countOrNone(c.Rate)}, {"limit", countOrNone(c.Limit)}, {"id", c.Message},
	} {
		if f.Value != "" {
			fields = append(fields, f)
		}
	}
	if c.Verb == cluster.Limit {
		form := filled(c.Limits)
		fields = append(fields, form.fields()...)
	}
	for _, only := range c.Only {
		fields = append(fields, field{"only", only})
	}
	return fields
}

// act does what a form asks for and goes where it can be seen.
func (u *UI) act(w http.ResponseWriter, r *http.Request, p httprouter.Params) int {
	visit := u.visit(r, p)
	if err := readForm(w, r); err != nil {
		http.Error(w, "INVALID_REQUEST", http.StatusBadRequest)
		return http.StatusBadRequest
	}
	if !visit.visitor.Admin {
		return u.draw(w, visit, view{page: "problem", title: "Not allowed", status: http.StatusForbidden, data: struct{ What, Near, NearLink string }{What: "You may look, but not change anything. Changes need the role admin."}})
	}
	if onMessages(p.ByName("verb")) && !u.mayTouchMessages(visit.visitor) {
		return u.draw(w, visit, refused)
	}
	if p.ByName("verb") == string(cluster.Create) {
		form := createForm{Topic: r.PostForm.Get("topic"), Channel: r.PostForm.Get("channel"), Tried: true}
		if form.check(visit.snapshot); !form.OK() {
			v := u.lookup(&request{Request: r, snapshot: visit.snapshot, visitor: visit.visitor})
			return u.draw(w, visit, withForm(v, form))
		}
		if r.PostForm.Get("channel") == "" {
			r.PostForm.Del("channel")
		}
	}
	all, err := commands(p.ByName("verb"), r.PostForm)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return http.StatusBadRequest
	}
	q := u.ask(visit, all)
	if q.Typed = r.PostForm.Get("name"); q.Type != "" && q.Typed != q.Type {
		q.Wrong = true
		return u.draw(w, visit, view{page: "confirm", title: q.Title, status: http.StatusUnprocessableEntity, data: q})
	}
	last := 0
	for _, c := range all {
		e, err := u.actor.Do(r.Context(), c, u.config.By(r))
		if err != nil {
			u.log.Errorf("failed to %s %s - %s", c.Verb, c.Topic, err)
		}
		last = e.ID
	}
	u.refresh(r.Context())
	to := q.Back
	if all[0].Verb == cluster.Delete && len(all) == 1 && all[0].Channel == "" {
		to = u.link("topics")
	}
	if strings.Contains(to, "?") {
		to += "&"
	} else {
		to += "?"
	}
	http.Redirect(w, r, to+"done="+strconv.Itoa(last)+"&of="+strconv.Itoa(len(all)), http.StatusSeeOther)
	return http.StatusSeeOther
}

// done is the action that has led to a page.
type done struct {
	entry
	Failures []cluster.Outcome
	OK       int
	Of       int // actions that were done at once
	Retry    []field
}

// doneBy returns the action that a page's URL names, if it is remembered.
func (u *UI) doneBy(r *request) *done {
	id, err := strconv.Atoi(r.URL.Query().Get("done"))
	if err != nil {
		return nil
	}
	e := u.actor.Entry(id)
	if e == nil {
		return nil
	}
	d := &done{entry: u.entry(e), Failures: e.Failed(), Of: 1}
	if of, err := strconv.Atoi(r.URL.Query().Get("of")); err == nil {
		d.Of = of
	}
	d.OK = len(e.Outcomes) - len(d.Failures)
	if e.Command.Verb != cluster.Publish { // what was published is not remembered
		d.Retry = retry(e)
	}
	return d
}

// retry returns the form that does the action again where it has failed.
func retry(e *actions.Entry) (fields []field) {
	c := e.Command
	c.Only = nil
	for _, o := range e.Failed() {
		c.Only = append(c.Only, o.Address)
	}
	fields = fieldsOf(c)
	if slices.Contains([]cluster.Verb{cluster.Delete, cluster.Empty, cluster.Tombstone, cluster.Limit}, c.Verb) {
		name := c.Topic
		if c.Channel != "" {
			name = c.Channel
		}
		fields = append(fields, field{"name", name})
	}
	return fields
}
