package api

import (
	"net/http"
	"runtime"
	"sort"
	"time"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/httpapi"
	"nsqsuite/nsqd/broker"
	"nsqsuite/nsqd/session"
	"nsqsuite/protocol"
)

// stats is GET /stats (1.6).
func (a *API) stats(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
	q, err := httpapi.Query(r, a.Log)
	if err != nil {
		return nil, err
	}
	f := filter{
		topic:   q.Get("topic"),
		channel: q.Get("channel"),
		clients: isTrue(q, "include_clients"),
		memory:  isTrue(q, "include_mem"),
	}
	s := a.collect(f)
	if q.Get("format") == "json" {
		return s, nil
	}
	return text(s, a.Started, time.Now()), nil
}

func isTrue(q map[string][]string, name string) bool {
	v, _ := query(q, name)
	return v != "false" && v != "0"
}

// filter says what of the statistics is wanted; an empty name means all.
type filter struct {
	topic, channel  string
	clients, memory bool
}

// Collect returns the statistics of all topics and channels, without clients.
func (a *API) Collect(memory bool) *protocol.Stats { return a.collect(filter{memory: memory}) }

// collect gathers the statistics.
func (a *API) collect(f filter) *protocol.Stats {
	s := &protocol.Stats{
		Version:   a.Version,
		Health:    health(a.Broker.Health()),
		StartTime: a.Started.Unix(),
		Topics:    []protocol.TopicStats{},
	}
	if f.memory {
		s.Memory = memory()
	}
	var clients []session.Client
	if f.clients {
		clients = a.Clients()
	}
	topics := a.Broker.Topics()
	if f.topic != "" {
		t, ok := a.Broker.FindTopic(f.topic)
		if !ok {
			s.Topics = nil
			return s
		}
		topics = []*broker.Topic{t}
	}
	consumers := byChannel(clients, f.topic)
	for _, t := range topics {
		if ts, ok := a.topicStats(t, f, consumers); ok {
			s.Topics = append(s.Topics, ts)
		}
	}
	for i := range clients {
		if clients[i].Published {
			s.Producers = append(s.Producers, onlyTopic(clients[i].ClientStats, f.topic))
		}
	}
	return s
}

// onlyTopic narrows the publish counts of a client to one topic, if one is named.
func onlyTopic(c protocol.ClientStats, topic string) protocol.ClientStats {
	var counts []protocol.PubCount
	for _, p := range c.PubCounts {
		if topic == "" || p.Topic == topic {
			counts = append(counts, p)
		}
	}
	sort.Slice(counts, func(i, j int) bool { return counts[i].Topic < counts[j].Topic })
	c.PubCounts = counts
	return c
}

func byChannel(clients []session.Client, topic string) map[[2]string][]protocol.ClientStats {
	m := map[[2]string][]protocol.ClientStats{}
	for _, c := range clients {
		if c.Topic != "" {
			key := [2]string{c.Topic, c.Channel}
			m[key] = append(m[key], onlyTopic(c.ClientStats, topic))
		}
	}
	return m
}

func (a *API) topicStats(t *broker.Topic, f filter, consumers map[[2]string][]protocol.ClientStats) (protocol.TopicStats, bool) {
	st := t.Stats()
	ts := protocol.TopicStats{
		TopicName:    st.Name,
		Channels:     []protocol.ChannelStats{},
		Depth:        st.Depth,
		BackendDepth: st.BackendDepth,
		MessageCount: st.Messages,
		MessageBytes: st.Bytes,
		Paused:       st.Paused,
		Limits:       st.Limits,
	}
	now := time.Now()
	var names []string
	for _, c := range t.Channels() {
		names = append(names, c.Name())
		if f.channel != "" && c.Name() != f.channel {
			continue
		}
		cs := channelStats(c.Stats())
		cs.E2eProcessingLatency = a.Latency.Of(st.Name, now, c.Name())
		if f.clients {
			cs.Clients = append([]protocol.ClientStats{}, consumers[[2]string{st.Name, cs.ChannelName}]...)
		}
		ts.Channels = append(ts.Channels, cs)
	}
	ts.E2eProcessingLatency = a.Latency.Of(st.Name, now, names...)
	return ts, f.channel == "" || len(ts.Channels) > 0
}

func channelStats(s broker.ChannelStats) protocol.ChannelStats {
	return protocol.ChannelStats{
		ChannelName:         s.Name,
		Depth:               s.Depth,
		BackendDepth:        s.BackendDepth,
		InFlightCount:       s.InFlight,
		DeferredCount:       s.Deferred,
		MessageCount:        s.Messages,
		ZoneLocalMsgCount:   s.Delivered[broker.ZoneLocal],
		RegionLocalMsgCount: s.Delivered[broker.RegionLocal],
		GlobalMsgCount:      s.Delivered[broker.Global],
		RequeueCount:        s.Requeues,
		TimeoutCount:        s.Timeouts,
		ClientCount:         s.Consumers,
		Paused:              s.Paused,
		Limits:              s.Limits,
	}
}

// memory returns the state of the process's memory; pauses are in µs.
func memory() *protocol.MemoryStats {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	pauses := append([]uint64(nil), m.PauseNs[:min(int(m.NumGC), len(m.PauseNs))]...)
	sort.Slice(pauses, func(i, j int) bool { return pauses[i] < pauses[j] })
	percentile := func(p int) uint64 {
		if len(pauses) == 0 {
			return 0
		}
		return pauses[max((len(pauses)*p+99)/100-1, 0)] / 1000
	}
	return &protocol.MemoryStats{
		HeapObjects:       m.HeapObjects,
		HeapIdleBytes:     m.HeapIdle,
		HeapInUseBytes:    m.HeapInuse,
		HeapReleasedBytes: m.HeapReleased,
		GCPauseUsec100:    percentile(100),
		GCPauseUsec99:     percentile(99),
		GCPauseUsec95:     percentile(95),
		NextGCBytes:       m.NextGC,
		GCTotalRuns:       m.NumGC,
	}
}
