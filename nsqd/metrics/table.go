package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"nsqsuite/internal/metrics"
)

// table shows the columns of all topics, or of all channels.
type table[T any] struct {
	columns []column[T]
	// own has the things with labels of their own; what was not seen at the last
	// scrape loses them.
	own map[name]bool

	seen    map[name]bool
	waiting []entry[T] // new things, which get labels if there is room
	other   []float64  // sums of the rest
	others  bool       // there is a rest, or was: its counters go on
	floors  []float64  // what each sum of the rest may not fall below, if it is a counter's …
	lost    []float64  // … and what it lacks of that, since things went
}

type entry[T any] struct {
	name   name
	figure T
}

func newTable[T any](columns []column[T]) *table[T] {
	n := len(columns)
	return &table[T]{columns: columns, own: map[name]bool{}, floors: make([]float64, n), lost: make([]float64, n)}
}

// begin begins a scrape.
func (t *table[T]) begin() {
	t.seen, t.waiting, t.other = make(map[name]bool, len(t.own)), nil, make([]float64, len(t.columns))
}

// add shows one thing or, if it has no labels yet, keeps it for end.
func (t *table[T]) add(n name, labels []string, figure T, to chan<- prometheus.Metric) {
	if !t.own[n] {
		t.waiting = append(t.waiting, entry[T]{n, figure})
		return
	}
	t.seen[n] = true
	t.show(labels, figure, to)
}

func (t *table[T]) show(labels []string, figure T, to chan<- prometheus.Metric) {
	for _, c := range t.columns {
		to <- prometheus.MustNewConstMetric(c.desc, c.kind, c.value(figure), labels...)
	}
}

// end gives labels to new things while there is room for their series, shows the
// sums of the rest, and returns how much room is left.
func (t *table[T]) end(room int, labels func(name) []string, to chan<- prometheus.Metric) (left int) {
	t.own = t.seen
	room -= len(t.own) * len(t.columns)
	for _, e := range t.waiting {
		if room >= len(t.columns) {
			t.own[e.name] = true
			room -= len(t.columns)
			t.show(labels(e.name), e.figure, to)
		} else {
			t.others = true
			t.sum(e.figure)
		}
	}
	if t.others {
		t.showOther(labels(name{metrics.Other, metrics.Other}), to)
	}
	return room
}

func (t *table[T]) sum(figure T) {
	for i, c := range t.columns {
		if v := c.value(figure); c.worst {
			t.other[i] = max(t.other[i], v)
		} else {
			t.other[i] += v
		}
	}
}

func (t *table[T]) showOther(labels []string, to chan<- prometheus.Metric) {
	for i, c := range t.columns {
		v := t.other[i]
		if c.kind == prometheus.CounterValue {
			t.lost[i] = max(t.lost[i], t.floors[i]-v)
			v += t.lost[i]
			t.floors[i] = v
		}
		to <- prometheus.MustNewConstMetric(c.desc, c.kind, v, labels...)
	}
}
