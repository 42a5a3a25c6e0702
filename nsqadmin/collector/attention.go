package collector

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// What makes a thing worth attention.
const (
	growMin        = 100              // messages a channel must have gained to be growing
	growPoints     = 15               // points of history that tell it, at least
	growShare      = 0.05             // of its depth it must gain in the time looked at
	usualTimes     = 5.0              // the usual rate of the last two hours: so many times more is too many
	usualMin       = 0.5              // a second, below which nothing is too many
	recentPoints   = 15               // points that are now
	pausedLong     = 10 * time.Minute // before which a pause is nobody's worry
	lowDisk        = 20               // part of a disk below which it has hardly any room
	diskBacklog    = 10_000           // messages that are on disk only
	maxAttention   = 200              // entries that are kept
	memoryLifetime = time.Minute      // a condition that comes back within it has never ended
)

// What is the matter.
type What string

// The conditions, the words for which the pages choose.
const (
	NoConsumers   What = "no-consumers"
	NoneReady     What = "none-ready"
	Stuck         What = "stuck"
	Growing       What = "growing"
	Requeues      What = "requeues"
	Timeouts      What = "timeouts"
	NoChannel     What = "no-channel"
	Paused        What = "paused"
	OnDisk        What = "on-disk"
	Silent        What = "silent"
	Unhealthy     What = "unhealthy"
	OldVersion    What = "old-version"
	NotEverywhere What = "not-everywhere"
	LookupdDown   What = "lookupd-down"
	LowDisk       What = "low-disk"
	Limited       What = "limited"
)

// Item is an entry of “Needs attention”.
type Item struct {
	What    What
	Kind    string // crit, warn, hold or stale
	Topic   *Topic
	Channel *Channel // nil if the topic itself is meant
	Node    *Node    // if neither
	Lookupd *Lookupd
	Missing []string  // of NotEverywhere: the nsqlookupd that do not know the node
	Since   time.Time // when it was first seen
	Rate    float64   // of Requeues, Timeouts and Limited: now
	Usual   float64
	depth   int64
}

// Urgent tells whether to act now.
func (i *Item) Urgent() bool { return i.Kind == "crit" }

// Depth returns how many messages wait because of it.
func (i *Item) Depth() int64 { return i.depth }

// memory keeps since when a condition holds.
type memory struct{ seen map[condition]*stretch }

type condition struct {
	what                  What
	topic, channel, where string
}

type stretch struct{ from, last time.Time }

func newMemory() memory { return memory{map[condition]*stretch{}} }

// since notes that a condition holds, and returns from when on.
func (m *memory) since(c condition, now time.Time) time.Time {
	s := m.seen[c]
	if s == nil {
		s = &stretch{from: now}
		m.seen[c] = s
	}
	s.last = now
	return s.from
}

func (m *memory) forget(now time.Time) {
	for c, s := range m.seen {
		if now.Sub(s.last) > memoryLifetime {
			delete(m.seen, c)
		}
	}
}

// judge says what is the matter with everything in a snapshot.
func (c *Collector) judge(s *Snapshot) {
	j := &judge{c: c, s: s}
	s.Total.Slope = slope(c.recent(Key{}))
	for _, t := range s.Topics {
		j.topic(t)
	}
	for _, n := range s.Nodes {
		n.Slope = slope(c.recent(Key{Node: n.Address}))
		j.node(n)
	}
	for _, l := range s.Lookupds {
		if l.Err != nil {
			j.add(Item{What: LookupdDown, Kind: "stale", Lookupd: l}, condition{where: l.Address})
		}
	}
	slices.SortStableFunc(j.items, func(a, b Item) int {
		if a.Urgent() != b.Urgent() {
			if a.Urgent() {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.depth, a.depth)
	})
	s.Attention = j.items[:min(len(j.items), maxAttention)]
	c.memory.forget(s.At)
}

type judge struct {
	c     *Collector
	s     *Snapshot
	items []Item
}

func (j *judge) add(i Item, of condition) {
	of.what = i.What
	i.Since = j.c.memory.since(of, j.s.At)
	if i.What == Paused && j.s.At.Sub(i.Since) < pausedLong && i.depth == 0 {
		return
	}
	j.items = append(j.items, i)
}

// recent returns the history of the last five minutes.
func (c *Collector) recent(k Key) []Point {
	if v := c.history.series[k]; v != nil {
		return v.short.all()
	}
	return nil
}

// before returns the history of two hours without its last point; nil if there is none.
func (c *Collector) before(k Key) []Point {
	if v := c.history.series[k]; v != nil && len(v.long.points) > 1 {
		all := v.long.all()
		return all[:len(all)-1]
	}
	return nil
}

func (j *judge) topic(t *Topic) {
	t.Slope = slope(j.c.recent(Key{Topic: t.TopicName}))
	of := condition{topic: t.TopicName}
	switch {
	case t.Paused:
		t.State = State{"hold", "Paused"}
		j.add(Item{What: Paused, Kind: "hold", Topic: t, depth: t.Depth}, of)
	case len(t.Channels) == 0 && t.Depth > 0:
		t.State = State{"warn", "No channel"}
		j.add(Item{What: NoChannel, Kind: "warn", Topic: t, depth: t.Depth}, of)
	}
	var own Rates // what channels lose is theirs
	for _, on := range t.On {
		own.add(on.Rates)
	}
	if word, ok := limited(t.Limit(), own); ok {
		if rank(State{Kind: "warn"}) > rank(t.State) {
			t.State = State{"warn", word}
		}
		j.add(Item{What: Limited, Kind: "warn", Topic: t, Rate: own.Lost, depth: t.Depth}, of)
	}
	for _, ch := range t.Channels {
		j.channel(t, ch)
		if rank(ch.State) > rank(t.State) {
			t.State = ch.State
		}
	}
}

// rank orders states: the topic shows its worst channel's.
func rank(s State) int {
	return slices.Index([]string{"", "hold", "warn", "crit"}, s.Kind)
}

func (j *judge) channel(t *Topic, ch *Channel) {
	points := j.c.recent(Key{Topic: t.TopicName, Channel: ch.ChannelName})
	ch.Slope = slope(points)
	of := condition{topic: t.TopicName, channel: ch.ChannelName}
	item := Item{Topic: t, Channel: ch, depth: ch.Depth}
	found := func(what What, kind, word string) {
		if rank(State{Kind: kind}) > rank(ch.State) {
			ch.State = State{kind, word}
		}
		item.What, item.Kind = what, kind
		j.add(item, of)
	}
	switch {
	case ch.Paused:
		found(Paused, "hold", "Paused")
	case ch.Consumers == 0 && ch.Depth > 0:
		found(NoConsumers, "crit", "No consumers")
	case ch.Consumers > 0 && ch.Ready == 0 && ch.Depth > 0:
		found(NoneReady, "crit", "None ready")
	case ch.Stuck > 0:
		found(Stuck, "crit", "Looks stuck")
	case grows(points):
		found(Growing, "crit", "Growing")
	case ch.OnDisk >= diskBacklog && ch.OnDisk*2 >= ch.Depth:
		found(OnDisk, "warn", "Reads from disk")
	}
	before := func() []Point { return j.c.before(Key{Topic: t.TopicName, Channel: ch.ChannelName}) }
	item.Rate, item.Usual = unusual(points, before, func(p *Point) float32 { return p.Requeued })
	if item.Rate > 0 {
		found(Requeues, "warn", "Requeues")
	}
	item.Rate, item.Usual = unusual(points, before, func(p *Point) float32 { return p.TimedOut })
	if item.Rate > 0 {
		found(Timeouts, "warn", "Times out")
	}
	if word, ok := limited(ch.Limit(), ch.Rates); ok {
		item.Rate, item.Usual = ch.Lost, 0
		found(Limited, "warn", word)
	}
}

func (j *judge) node(n *Node) {
	of := condition{where: n.Address}
	switch {
	case n.Stale:
		j.add(Item{What: Silent, Kind: "stale", Node: n, depth: n.Depth}, of)
	case n.Health != "" && n.Health != "OK":
		j.add(Item{What: Unhealthy, Kind: "crit", Node: n, depth: n.Depth}, of)
	}
	if n.LowDisk() && !n.Stale {
		j.add(Item{What: LowDisk, Kind: "warn", Node: n, depth: n.Depth}, of)
	}
	if n.OutOfDate {
		j.add(Item{What: OldVersion, Kind: "warn", Node: n}, of)
	}
	if missing := j.s.MissingAt(n); len(missing) > 0 && !n.Stale {
		j.add(Item{What: NotEverywhere, Kind: "warn", Node: n, Missing: missing}, of)
	}
}

// MissingAt returns the nsqlookupd that answer and do not know a node.
func (s *Snapshot) MissingAt(n *Node) (missing []string) {
	for _, l := range s.Lookupds {
		if l.Known != nil && l.Err == nil && l.Registration(n) < 0 {
			missing = append(missing, l.Address)
		}
	}
	return missing
}

// Registration returns how many topics of a node the nsqlookupd knows; -1 if it does not know the node.
func (l *Lookupd) Registration(n *Node) int {
	if l.Known == nil {
		return -1
	}
	for _, have := range l.Known.Nodes {
		if have.HTTPAddress() == n.HTTPAddress() && have.TCPPort == n.TCPPort {
			return len(have.Topics)
		}
	}
	return -1
}

// slope returns how fast the depth changes, by least squares.
func slope(points []Point) float64 {
	var n, sumX, sumY, sumXX, sumXY float64
	for i := range points {
		y := float64(points[i].Depth)
		if math.IsNaN(y) {
			continue
		}
		x := float64(i) * Every.Seconds()
		n++
		sumX += x
		sumY += y
		sumXX += x * x
		sumXY += x * y
	}
	d := n*sumXX - sumX*sumX
	if n < 3 || d == 0 {
		return 0
	}
	return (n*sumXY - sumX*sumY) / d
}

// grows tells whether the depth has grown all the while: its lowest of late is
// above its highest of before, by enough to matter.
func grows(points []Point) bool {
	if len(points) < growPoints {
		return false
	}
	quarter := len(points) / 4
	before, late := float32(0), float32(math.Inf(1))
	for i := range quarter {
		before = max(before, points[i].Depth)
		late = min(late, points[len(points)-1-i].Depth)
	}
	gained := late - before
	return gained >= growMin && gained >= growShare*late
}

// unusual returns the rate of late and the usual one if it is far above; 0
// otherwise. What is usual is the median of two hours or, of a thing that is
// younger, of the points before those of late: a surge does not become usual soon.
func unusual(points []Point, before func() []Point, of func(*Point) float32) (rate, usual float64) {
	if len(points) < 2*recentPoints {
		return 0, 0
	}
	late := len(points) - recentPoints
	if rate = average(points[late:], of); rate < usualMin {
		return 0, 0
	}
	long := before()
	if len(long) == 0 {
		long = points[:late]
	}
	if usual = median(long, of); rate < usualTimes*usual {
		return 0, 0
	}
	return rate, usual
}

// median returns the middle one of what is known.
func median(points []Point, of func(*Point) float32) float64 {
	var known []float32
	for i := range points {
		if v := of(&points[i]); v == v {
			known = append(known, v)
		}
	}
	if len(known) == 0 {
		return 0
	}
	slices.Sort(known)
	return float64(known[len(known)/2])
}

// average returns the mean of what is known.
func average(points []Point, of func(*Point) float32) float64 {
	sum, n := 0.0, 0
	for i := range points {
		if v := of(&points[i]); v == v {
			sum += float64(v)
			n++
		}
	}
	return sum / math.Max(1, float64(n))
}
