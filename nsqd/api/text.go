package api

import (
	"bytes"
	"fmt"
	"net"
	"strings"
	"time"

	"nsqsuite/internal/version"
	"nsqsuite/protocol"
)

// text lays the statistics out for a person (nsqd-http-and-config.md part 4).
func text(s *protocol.Stats, started, now time.Time) []byte {
	var w bytes.Buffer
	fmt.Fprintf(&w, "%s\nstart_time %s\nuptime %s\n", version.String("nsqd"), started.Format(time.RFC3339), now.Sub(started))
	fmt.Fprintf(&w, "\nHealth: %s\n", s.Health)
	if s.Memory != nil {
		textMemory(&w, s.Memory)
	}
	if len(s.Topics) == 0 {
		w.WriteString("\nTopics: None\n")
	} else {
		w.WriteString("\nTopics:")
	}
	for i := range s.Topics {
		w.WriteString("\n")
		textTopic(&w, &s.Topics[i], now)
	}
	if len(s.Producers) == 0 {
		w.WriteString("\nProducers: None\n")
		return w.Bytes()
	}
	w.WriteString("\nProducers:\n")
	for i := range s.Producers {
		textClient(&w, &s.Producers[i], "   ", now)
	}
	return w.Bytes()
}

func textMemory(w *bytes.Buffer, m *protocol.MemoryStats) {
	w.WriteString("\nMemory:\n")
	for _, line := range []struct {
		label string
		value uint64
	}{
		{"heap_objects", m.HeapObjects},
		{"heap_idle_bytes", m.HeapIdleBytes},
		{"heap_in_use_bytes", m.HeapInUseBytes},
		{"heap_released_bytes", m.HeapReleasedBytes},
		{"gc_pause_usec_100", m.GCPauseUsec100},
		{"gc_pause_usec_99", m.GCPauseUsec99},
		{"gc_pause_usec_95", m.GCPauseUsec95},
		{"next_gc_bytes", m.NextGCBytes},
		{"gc_total_runs", uint64(m.GCTotalRuns)},
	} {
		fmt.Fprintf(w, "   %-25s\t%d\n", line.label, line.value)
	}
}

func textTopic(w *bytes.Buffer, t *protocol.TopicStats, now time.Time) {
	mark := "   "
	if t.Paused {
		mark = "*P "
	}
	fmt.Fprintf(w, "%s[%-15s] depth: %-5d be-depth: %-5d msgs: %-8d e2e%%: %s\n",
		mark, t.TopicName, t.Depth, t.BackendDepth, t.MessageCount, textLatency(t.E2eProcessingLatency))
	for i := range t.Channels {
		c := &t.Channels[i]
		mark := "      "
		if c.Paused {
			mark = "   *P "
		}
		fmt.Fprintf(w, "%s[%-25s] depth: %-5d be-depth: %-5d inflt: %-4d def: %-4d re-q: %-5d timeout: %-5d msgs: %-8d e2e%%: %s\n",
			mark, c.ChannelName, c.Depth, c.BackendDepth, c.InFlightCount, c.DeferredCount, c.RequeueCount,
			c.TimeoutCount, c.MessageCount, textLatency(c.E2eProcessingLatency))
		for j := range c.Clients {
			textClient(w, &c.Clients[j], "        ", now)
		}
	}
}

func textClient(w *bytes.Buffer, c *protocol.ClientStats, indent string, now time.Time) {
	_, port, _ := net.SplitHostPort(c.RemoteAddress)
	id := fmt.Sprintf("%s:%s %s", c.Hostname, port, c.UserAgent)
	connected := now.Sub(time.Unix(c.ConnectTS, 0)).Truncate(time.Second)
	if len(c.PubCounts) > 0 {
		total := uint64(0)
		var topics []string
		for _, p := range c.PubCounts {
			total += p.Count
			topics = append(topics, fmt.Sprintf("%s=%d", p.Topic, p.Count))
		}
		fmt.Fprintf(w, "%s[%s %-21s] msgs: %-8d topics: %s connected: %s\n",
			indent, c.Version, id, total, strings.Join(topics, ","), connected)
		return
	}
	fmt.Fprintf(w, "%s[%s %-21s] state: %d inflt: %-4d rdy: %-4d fin: %-8d re-q: %-8d msgs: %-8d connected: %s\n",
		indent, c.Version, id, c.State, c.InFlightCount, c.ReadyCount, c.FinishCount, c.RequeueCount, c.MessageCount, connected)
}

// textLatency writes the percentiles with one decimal and a unit.
func textLatency(e *protocol.E2eLatency) string {
	var words []string
	for _, p := range e.Percentiles {
		unit, value := "ns", p.Value
		for _, u := range []struct {
			above float64
			name  string
		}{{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}} {
			if p.Value > u.above {
				unit, value = u.name, p.Value/u.above
				break
			}
		}
		words = append(words, fmt.Sprintf("%.1f%s", value, unit))
	}
	return strings.Join(words, ", ")
}
