package cluster

import "nsqsuite/protocol"

// Latency tells how long messages take from publish to finish, on one node or
// in the cluster (nsqadmin.md 7.3). Percentiles of several nodes cannot be
// computed from each other's: a total shows their range and weighted mean.
type Latency struct {
	Count       int        `json:"count"`
	Percentiles []Quantile `json:"percentiles"`
	Topic       string     `json:"topic"`
	Channel     string     `json:"channel"`
	Host        string     `json:"host"`
}

// Quantile is one percentile; times are ns.
type Quantile struct {
	Quantile float64  `json:"quantile"` // 0 to 1
	Value    *float64 `json:"value,omitempty"`
	Min      float64  `json:"min"`
	Max      float64  `json:"max"`
	Average  float64  `json:"average"`
	Count    int      `json:"count"`
}

// leafLatency is one node's latency. Some nsqd leave it out.
func leafLatency(e *protocol.E2eLatency) *Latency {
	l := &Latency{}
	if e == nil {
		return l
	}
	l.Count = e.Count
	for _, p := range e.Percentiles {
		v := p.Value
		l.Percentiles = append(l.Percentiles, Quantile{Quantile: p.Quantile, Value: &v, Min: v, Max: v, Average: v, Count: e.Count})
	}
	return l
}

// add takes in another node's latency.
func (l *Latency) add(o *Latency) {
	l.Count += o.Count
	for _, q := range o.Percentiles {
		l.quantile(q.Quantile, q.Min).add(q)
	}
}

// quantile returns the entry of a quantile, made with a first minimum if it is new.
func (l *Latency) quantile(of, lowest float64) *Quantile {
	for i := range l.Percentiles {
		if l.Percentiles[i].Quantile == of {
			return &l.Percentiles[i]
		}
	}
	l.Percentiles = append(l.Percentiles, Quantile{Quantile: of, Min: lowest})
	return &l.Percentiles[len(l.Percentiles)-1]
}

func (q *Quantile) add(o Quantile) {
	q.Min, q.Max = min(q.Min, o.Min), max(q.Max, o.Max)
	if n := q.Count + o.Count; n > 0 {
		q.Average = (q.Average*float64(q.Count) + o.Average*float64(o.Count)) / float64(n)
		q.Count = n
	}
}
