package statsd

import (
	"fmt"
	"strconv"

	"nsqsuite/protocol"
)

// report is the lines of one push.
type report struct {
	prefix string
	lines  [][]byte
}

func (r *report) add(name string, value int64, kind string) {
	line := append([]byte(r.prefix), name...)
	line = append(line, ':')
	line = strconv.AppendInt(line, value, 10)
	r.lines = append(r.lines, append(append(line, '|'), kind+"\n"...))
}

func (r *report) gauge(name string, value int64) { r.add(name, value, "g") }

// count adds a counter. One that has become smaller belongs to something that
// was made anew since, so all of it is new.
func (r *report) count(name string, now, last uint64) {
	if now >= last {
		now -= last
	}
	r.add(name, int64(now), "c")
}

func (r *report) latency(name string, e *protocol.E2eLatency) {
	if e == nil {
		return
	}
	for _, p := range e.Percentiles {
		r.gauge(fmt.Sprintf("%s.e2e_processing_latency_%.0f", name, p.Quantile*100), int64(p.Value))
	}
}

// report words what to send of now, if last was what was sent before, or nil.
func (c *Config) report(now, last *protocol.Stats) [][]byte {
	if last == nil {
		last = &protocol.Stats{}
	}
	topics := map[string]*protocol.TopicStats{}
	for i := range last.Topics {
		topics[last.Topics[i].TopicName] = &last.Topics[i]
	}
	r := &report{prefix: c.Prefix}
	for i := range now.Topics {
		t := &now.Topics[i]
		if !c.excluded(t.TopicName) {
			before := topics[t.TopicName]
			if before == nil {
				before = &protocol.TopicStats{}
			}
			c.topic(r, t, before)
		}
	}
	if m := now.Memory; m != nil {
		before := last.Memory
		if before == nil {
			before = &protocol.MemoryStats{}
		}
		memory(r, m, before)
	}
	return r.lines
}

func (c *Config) excluded(name string) bool {
	return c.ExcludeEphemeral && protocol.IsEphemeral(name)
}

func (c *Config) topic(r *report, t, last *protocol.TopicStats) {
	name := "topic." + t.TopicName
	r.count(name+".message_count", t.MessageCount, last.MessageCount)
	r.count(name+".message_bytes", t.MessageBytes, last.MessageBytes)
	r.gauge(name+".depth", t.Depth)
	r.gauge(name+".backend_depth", t.BackendDepth)
	r.latency(name, t.E2eProcessingLatency)
	channels := map[string]*protocol.ChannelStats{}
	for i := range last.Channels {
		channels[last.Channels[i].ChannelName] = &last.Channels[i]
	}
	for i := range t.Channels {
		ch := &t.Channels[i]
		if !c.excluded(ch.ChannelName) {
			before := channels[ch.ChannelName]
			if before == nil {
				before = &protocol.ChannelStats{}
			}
			channel(r, name+".channel."+ch.ChannelName, ch, before)
		}
	}
}

func channel(r *report, name string, c, last *protocol.ChannelStats) {
	r.count(name+".message_count", c.MessageCount, last.MessageCount)
	r.gauge(name+".depth", c.Depth)
	r.gauge(name+".backend_depth", c.BackendDepth)
	r.gauge(name+".in_flight_count", c.InFlightCount)
	r.gauge(name+".deferred_count", c.DeferredCount)
	r.count(name+".requeue_count", c.RequeueCount, last.RequeueCount)
	r.count(name+".timeout_count", c.TimeoutCount, last.TimeoutCount)
	r.gauge(name+".clients", int64(c.ClientCount))
	r.latency(name, c.E2eProcessingLatency)
}

func memory(r *report, m, last *protocol.MemoryStats) {
	r.gauge("mem.heap_objects", int64(m.HeapObjects))
	r.gauge("mem.heap_idle_bytes", int64(m.HeapIdleBytes))
	r.gauge("mem.heap_in_use_bytes", int64(m.HeapInUseBytes))
	r.gauge("mem.heap_released_bytes", int64(m.HeapReleasedBytes))
	r.gauge("mem.gc_pause_usec_100", int64(m.GCPauseUsec100))
	r.gauge("mem.gc_pause_usec_99", int64(m.GCPauseUsec99))
	r.gauge("mem.gc_pause_usec_95", int64(m.GCPauseUsec95))
	r.gauge("mem.next_gc_bytes", int64(m.NextGCBytes))
	r.count("mem.gc_runs", uint64(m.GCTotalRuns), uint64(last.GCTotalRuns))
}
