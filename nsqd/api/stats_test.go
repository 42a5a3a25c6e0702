package api

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/version"
	"nsqsuite/nsqd/broker"
	"nsqsuite/nsqd/session"
	"nsqsuite/protocol"
)

// scene is a fixture with topics, channels and clients.
func scene(t *testing.T) *fixture {
	f := newFixture(t)
	for _, path := range []string{
		"/topic/create?topic=b", "/channel/create?topic=a&channel=y", "/channel/create?topic=a&channel=x", "/channel/pause?topic=a&channel=y",
		"/mpub?topic=a", "/pub?topic=a&defer=60000", "/topic/pause?topic=b", "/mpub?topic=b",
	} {
		f.do("POST /topic/create?topic=a", "")
		if got := f.do("POST "+path, "1\n22"); got.status != 200 {
			t.Fatalf("%s: %d %s", path, got.status, got.body)
		}
	}
	client := func(port string, topic, channel string, counts ...protocol.PubCount) session.Client {
		return session.Client{Topic: topic, Channel: channel, Published: len(counts) > 0, ClientStats: protocol.ClientStats{
			ClientID: "c", Hostname: "h", Version: "V2", RemoteAddress: "10.0.0.1:" + port, State: protocol.StateSubscribed, PubCounts: counts}}
	}
	f.clients = []session.Client{
		client("1", "a", "x"),
		client("2", "", "", protocol.PubCount{Topic: "z", Count: 3}, protocol.PubCount{Topic: "a", Count: 2}),
		client("3", "a", "x", protocol.PubCount{Topic: "b", Count: 1}),
		client("4", "", ""),
	}
	topic, _ := f.broker.FindTopic("a")
	c, _ := topic.FindChannel("x")
	if _, err := c.Subscribe(broker.Consumer{Wake: func() {}, Close: func() {}}); err != nil {
		t.Fatal(err)
	}
	return f
}

const (
	noLatency = `"e2e_processing_latency":{"count":0,"percentiles":null}`
	clientEnd = `"state":3,"ready_count":0,"in_flight_count":0,"message_count":0,"finish_count":0,"requeue_count":0,"connect_ts":0,"sample_rate":0,` +
		`"deflate":false,"snappy":false,"user_agent":"","topology_zone":"","topology_region":"",`
	clientTLS = `"tls":false,"tls_cipher_suite":"","tls_version":"","tls_negotiated_protocol":"","tls_negotiated_protocol_is_mutual":false}`
)

func clientJSON(port, counts string) string {
	return `{"client_id":"c","hostname":"h","version":"V2","remote_address":"10.0.0.1:` + port + `",` + clientEnd + counts + clientTLS
}

func channelJSON(name, count, clients, paused string) string {
	return `{"channel_name":"` + name + `","depth":2,"backend_depth":0,"in_flight_count":0,"deferred_count":1,"message_count":3,` +
		`"requeue_count":0,"timeout_count":0,"client_count":` + count + `,"clients":` + clients + `,"paused":` + paused + `,` + noLatency + `}`
}

func topicA(channels string) string {
	return `{"topic_name":"a","channels":[` + channels + `],"depth":0,"backend_depth":0,"message_count":3,"message_bytes":7,"paused":false,` + noLatency + `}`
}

// TestStatsJSON is 1.6, key by key.
func TestStatsJSON(t *testing.T) {
	f := scene(t)
	const top, topicB = `{"version":"1.3.0","health":"OK","start_time":1700000000,"topics":`,
		`{"topic_name":"b","channels":[],"depth":2,"backend_depth":0,"message_count":2,"message_bytes":3,"paused":true,` + noLatency + `}`
	one, three := clientJSON("1", ""), clientJSON("3", `"pub_counts":[{"topic":"b","count":1}],`)
	two := clientJSON("2", `"pub_counts":[{"topic":"a","count":2},{"topic":"z","count":3}],`)
	x, y := channelJSON("x", "1", `[`+one+`,`+three+`]`, "false"), channelJSON("y", "0", `[]`, "true")
	bareX, bareY := channelJSON("x", "1", "null", "false"), channelJSON("y", "0", "null", "true")
	onlyA := `[` + clientJSON("2", `"pub_counts":[{"topic":"a","count":2}],`) + `,` + clientJSON("3", "") + `]`
	for query, want := range map[string]string{
		"":                        `[` + topicA(x+","+y) + `,` + topicB + `],"producers":[` + two + `,` + three + `]}`,
		"&include_clients=yes":    `[` + topicA(x+","+y) + `,` + topicB + `],"producers":[` + two + `,` + three + `]}`,
		"&include_clients=false":  `[` + topicA(bareX+","+bareY) + `,` + topicB + `],"producers":null}`,
		"&include_clients=0":      `[` + topicA(bareX+","+bareY) + `,` + topicB + `],"producers":null}`,
		"&topic=a&channel=":       `[` + topicA(channelJSON("x", "1", `[`+one+`,`+clientJSON("3", "")+`]`, "false")+","+y) + `],"producers":` + onlyA + `}`,
		"&topic=b":                `[` + topicB + `],"producers":[` + clientJSON("2", "") + `,` + three + `]}`,
		"&channel=y":              `[` + topicA(y) + `],"producers":[` + two + `,` + three + `]}`,
		"&topic=b&channel=y":      `[],"producers":[` + clientJSON("2", "") + `,` + three + `]}`,
		"&channel=none":           `[],"producers":[` + two + `,` + three + `]}`,
		"&topic=none":             `null,"producers":null}`,
		"&topic=none&channel=y":   `null,"producers":null}`,
		"&format=text&topic=none": `null,"producers":null}`, // the first counts
	} {
		got := f.do("GET /stats?format=json&include_mem=false"+query, "")
		if got.status != 200 || got.body != top+want || got.Get("Content-Type") != jsonType {
			t.Errorf("%s: %d\n%s, want\n%s", query, got.status, got.body, top+want)
		}
	}
	f.check([]row{{"GET /stats?%zz", "", 400, "INVALID_REQUEST"}})
}

func TestStatsMemory(t *testing.T) {
	f := newFixture(t)
	for query, want := range map[string]bool{"": true, "&include_mem=true": true, "&include_mem=": true, "&include_mem=0": false, "&include_mem=false": false} {
		var got map[string]json.RawMessage
		if err := json.Unmarshal([]byte(f.do("GET /stats?format=json"+query, "").body), &got); err != nil {
			t.Fatal(err)
		}
		numbers := map[string]uint64{}
		if memory, ok := got["memory"]; ok != want {
			t.Errorf("%s: memory is there: %t", query, ok)
		} else if ok {
			if err := json.Unmarshal(memory, &numbers); err != nil || len(numbers) != 9 || numbers["heap_in_use_bytes"] == 0 {
				t.Errorf("memory: %s, %v", memory, err)
			}
		}
		if text := f.do("GET /stats?format=JSON"+query, ""); strings.Contains(text.body, "\n\nMemory:\n   heap_objects             \t") != want || text.Get("Content-Type") != textType {
			t.Errorf("%s: %s", query, text.body)
		}
	}
}

// TestText is part 4 byte for byte: the spec's sample, and what it lacks.
func TestText(t *testing.T) {
	started := time.Date(2026, 11, 22, 10, 8, 36, 0, time.UTC)
	latency := func(values ...float64) *protocol.E2eLatency {
		e := &protocol.E2eLatency{}
		for _, v := range values {
			e.Percentiles = append(e.Percentiles, protocol.Percentile{Value: v})
		}
		return e
	}
	connected := started.Unix()
	consumer := protocol.ClientStats{Hostname: "worker-1", Version: "V2", RemoteAddress: "10.0.0.1:60796", UserAgent: "py/1.0", State: 3,
		InFlightCount: 3, ReadyCount: 3, FinishCount: 1, RequeueCount: 1, MessageCount: 5, ConnectTS: connected}
	idle := protocol.ClientStats{Hostname: "127.0.0.1", Version: "V2", RemoteAddress: "127.0.0.1:60810", State: 3, ConnectTS: connected}
	producer := protocol.ClientStats{Hostname: "web-1", Version: "V2", RemoteAddress: "10.0.0.2:60790", UserAgent: "py/1.0", ConnectTS: connected,
		PubCounts: []protocol.PubCount{{Topic: "orders", Count: 6}, {Topic: "z", Count: 1}}}
	s := &protocol.Stats{
		Health: "OK",
		Memory: &protocol.MemoryStats{HeapObjects: 2983, HeapIdleBytes: 5816320, HeapInUseBytes: 2048000, HeapReleasedBytes: 5816321,
			GCPauseUsec100: 3, GCPauseUsec99: 2, GCPauseUsec95: 1, NextGCBytes: 4194304, GCTotalRuns: 7},
		Topics: []protocol.TopicStats{
			{TopicName: "empty", E2eProcessingLatency: latency()},
			{TopicName: "orders", MessageCount: 6, E2eProcessingLatency: latency(1.6e6, 1e3, 2.5e9), Channels: []protocol.ChannelStats{
				{ChannelName: "archive", Depth: 1, InFlightCount: 3, DeferredCount: 1, RequeueCount: 1, MessageCount: 6,
					E2eProcessingLatency: latency(1001), Clients: []protocol.ClientStats{consumer, producer}},
				{ChannelName: "billing", Depth: 5, DeferredCount: 1, MessageCount: 6, Paused: true, E2eProcessingLatency: latency(0, 0, 0), Clients: []protocol.ClientStats{idle}},
			}},
			{TopicName: "paused", Depth: 1, BackendDepth: 123456, MessageCount: 1, Paused: true, E2eProcessingLatency: latency()},
		},
		Producers: []protocol.ClientStats{producer, idle},
	}
	const blank = " " // at the end of a line
	want := version.String("nsqd") + `
start_time 2026-11-22T10:08:36Z
uptime 2.825636849s

Health: OK

Memory:
   heap_objects             	2983
   heap_idle_bytes          	5816320
   heap_in_use_bytes        	2048000
   heap_released_bytes      	5816321
   gc_pause_usec_100        	3
   gc_pause_usec_99         	2
   gc_pause_usec_95         	1
   next_gc_bytes            	4194304
   gc_total_runs            	7

Topics:
   [empty          ] depth: 0     be-depth: 0     msgs: 0        e2e%:` + blank + `

   [orders         ] depth: 0     be-depth: 0     msgs: 6        e2e%: 1.6ms, 1000.0ns, 2.5s
      [archive                  ] depth: 1     be-depth: 0     inflt: 3    def: 1    re-q: 1     timeout: 0     msgs: 6        e2e%: 1.0us
        [V2 worker-1:60796 py/1.0] state: 3 inflt: 3    rdy: 3    fin: 1        re-q: 1        msgs: 5        connected: 2s
        [V2 web-1:60790 py/1.0   ] msgs: 7        topics: orders=6,z=1 connected: 2s
   *P [billing                  ] depth: 5     be-depth: 0     inflt: 0    def: 1    re-q: 0     timeout: 0     msgs: 6        e2e%: 0.0ns, 0.0ns, 0.0ns
        [V2 127.0.0.1:60810      ] state: 3 inflt: 0    rdy: 0    fin: 0        re-q: 0        msgs: 0        connected: 2s

*P [paused         ] depth: 1     be-depth: 123456 msgs: 1        e2e%:` + blank + `

Producers:
   [V2 web-1:60790 py/1.0   ] msgs: 7        topics: orders=6,z=1 connected: 2s
   [V2 127.0.0.1:60810      ] state: 3 inflt: 0    rdy: 0    fin: 0        re-q: 0        msgs: 0        connected: 2s
`
	if got := string(text(s, started, started.Add(2825636849))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	s = &protocol.Stats{Health: "NOK - full"}
	want = version.String("nsqd") + "\nstart_time 2026-11-22T10:08:36Z\nuptime 1m0s\n\nHealth: NOK - full\n\nTopics: None\n\nProducers: None\n"
	if got := string(text(s, started, started.Add(time.Minute))); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestStatsText(t *testing.T) {
	f := scene(t)
	got := f.do("GET /stats?include_mem=0&topic=a&channel=x", "").body
	got = regexp.MustCompile(`(?m)^start_time .*\nuptime .*s$|connected: .*$`).ReplaceAllString(got, "-")
	want := version.String("nsqd") + `
-

Health: OK

Topics:
   [a              ] depth: 0     be-depth: 0     msgs: 3        e2e%:` + " " + `
      [x                        ] depth: 2     be-depth: 0     inflt: 0    def: 1    re-q: 0     timeout: 0     msgs: 3        e2e%:` + " " + `
        [V2 h:1                  ] state: 3 inflt: 0    rdy: 0    fin: 0        re-q: 0        msgs: 0        -
        [V2 h:3                  ] state: 3 inflt: 0    rdy: 0    fin: 0        re-q: 0        msgs: 0        -

Producers:
   [V2 h:2                  ] msgs: 2        topics: a=2 -
   [V2 h:3                  ] state: 3 inflt: 0    rdy: 0    fin: 0        re-q: 0        msgs: 0        -
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if got := f.do("GET /stats?include_clients=0", "").body; strings.Contains(got, "[V2") || !strings.HasSuffix(got, "\nProducers: None\n") {
		t.Errorf("got\n%s", got)
	}
}
