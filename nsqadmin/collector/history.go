package collector

import (
	"math"
	"time"
)

// How much is remembered.
const (
	shortPoints = int(5 * time.Minute / Every) // each cycle
	longStep    = 15                           // cycles that make one point of the long history
	longPoints  = int(2*time.Hour/Every) / longStep
	// MaxSeries is of how many things a history is kept: about 12 kB each.
	MaxSeries = 4000
)

// Key names what a history is of: a node, a topic, a channel, or, empty, the cluster.
type Key struct{ Node, Topic, Channel string }

// Point is one moment of a history. What is not known is NaN.
type Point struct {
	Depth, InFlight, Deferred   float32
	In, Out, Requeued, TimedOut float32 // a second
	Worst                       float32 // highest percentile of the slowest node, ns
}

var unknown = Point{nan, nan, nan, nan, nan, nan, nan, nan}

var nan = float32(math.NaN())

// ring keeps the last points of a series, the times of all series being the same.
type ring struct {
	points []Point
	next   int // where the oldest lies once the ring is full
}

func (r *ring) add(p Point, limit int) {
	if len(r.points) < limit {
		r.points = append(r.points, p)
		return
	}
	r.points[r.next] = p
	r.next = (r.next + 1) % limit
}

// all returns the points, oldest first.
func (r *ring) all() []Point {
	return append(append(make([]Point, 0, len(r.points)), r.points[r.next:]...), r.points[:r.next]...)
}

// last returns the last n points at most, oldest first.
func (r *ring) last(n int) []Point {
	all := r.all()
	return all[max(0, len(all)-n):]
}

// series is the history of one thing.
type series struct {
	short, long ring
	seen        int // cycle in which it was last there
}

// history is that of everything.
type history struct {
	series map[Key]*series
	cycle  int
	at     time.Time // of the last point
}

func newHistory() history { return history{series: map[Key]*series{}} }

// add takes a snapshot's values in.
func (h *history) add(s *Snapshot) {
	h.cycle++
	h.at = s.At
	h.put(Key{}, s.Total.point())
	for _, n := range s.Nodes {
		p := unknown
		if !n.Stale {
			p = n.Sum.point()
		}
		h.put(Key{Node: n.Address}, p)
	}
	for _, t := range s.Topics {
		h.put(Key{Topic: t.TopicName}, t.Sum.point())
		for _, c := range t.Channels {
			h.put(Key{Topic: t.TopicName, Channel: c.ChannelName}, c.point())
		}
	}
	for k, v := range h.series {
		if v.seen != h.cycle {
			delete(h.series, k)
		}
	}
}

func (h *history) put(k Key, p Point) {
	v := h.series[k]
	if v == nil {
		if len(h.series) >= MaxSeries {
			return
		}
		v = new(series)
		h.series[k] = v
	}
	v.seen = h.cycle
	v.short.add(p, shortPoints)
	if h.cycle%longStep == 0 {
		v.long.add(mean(v.short.last(longStep)), longPoints)
	}
}

// mean returns the mean of the points, without what is not known.
func mean(points []Point) Point {
	var sum, n [8]float32
	for i := range points {
		for j, v := range points[i].fields() {
			if v == v {
				sum[j] += v
				n[j]++
			}
		}
	}
	for j := range sum {
		if n[j] == 0 {
			sum[j] = nan
			continue
		}
		sum[j] /= n[j]
	}
	return Point{sum[0], sum[1], sum[2], sum[3], sum[4], sum[5], sum[6], sum[7]}
}

func (p *Point) fields() [8]float32 {
	return [8]float32{p.Depth, p.InFlight, p.Deferred, p.In, p.Out, p.Requeued, p.TimedOut, p.Worst}
}

// History is what is remembered of one thing, at even steps, oldest first.
type History struct {
	Points []Point
	End    time.Time // of the last point
	Step   time.Duration
}

// History returns what is remembered of a thing for a span of time: fine steps
// if they reach that far.
func (c *Collector) History(of Key, span time.Duration) History {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := History{End: c.history.at, Step: Every}
	v := c.history.series[of]
	if v == nil {
		return h
	}
	if n := int(span / Every); n <= shortPoints {
		h.Points = v.short.last(n)
		return h
	}
	h.Step = longStep * Every
	h.Points = v.long.last(int(span / h.Step))
	h.End = c.history.at.Add(-time.Duration(c.history.cycle%longStep) * Every)
	if len(h.Points) < 2 { // too young: what there is
		return History{Points: v.short.all(), End: c.history.at, Step: Every}
	}
	return h
}

// Depths returns the depths of the last five minutes.
func (c *Collector) Depths(of Key) []float32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	v := c.history.series[of]
	if v == nil {
		return nil
	}
	points := v.short.all()
	depths := make([]float32, len(points))
	for i := range points {
		depths[i] = points[i].Depth
	}
	return depths
}
