package nsqadmin_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/nsqadmin"
)

func TestTopics(t *testing.T) {
	a := over(t, newLookupd(t, newNsqd(t, "a", 5)), newLookupd(t))
	a.want(t, "GET", "/api/topics", "", 200, `{"topics":["idle","t"],"message":""}`)
	a.want(t, "GET", "/api/topics?inactive=true", "", 200, `{"topics":{"idle":["x"]},"message":""}`)
	a.want(t, "GET", "/api/topics?inactive=1", "", 200, `{"topics":["idle","t"],"message":""}`)
	a.want(t, "GET", "/api/topics?a=%zz", "", 400, `{"message":"invalid URL escape \"%zz\""}`)
	a.want(t, "GET", "/ping", "", 200, "OK")

	none := over(t, newFake(t, map[string]string{"/topics": `{"topics":[]}`, "/nodes": `{"producers":[]}`}))
	none.want(t, "GET", "/api/topics", "", 200, `{"topics":null,"message":""}`)
	none.want(t, "GET", "/api/nodes", "", 200, `{"nodes":[],"message":""}`)
	none.want(t, "GET", "/api/counter", "", 502, `{"message":"UPSTREAM_ERROR: failed to query any nsqd: "}`)

	direct := start(t, func(o *nsqadmin.Options) {
		o.NsqdHTTPAddresses = []string{newNsqd(t, "a", 5).address()}
	})
	direct.want(t, "GET", "/api/topics", "", 200, `{"topics":["t"],"message":""}`)
	direct.want(t, "GET", "/api/topics?inactive=true", "", 200, `{"topics":{},"message":""}`)
}

func TestTopicAddsUp(t *testing.T) {
	n, m := newNsqd(t, "a", 5), newNsqd(t, "b", 7)
	a := over(t, newLookupd(t, n, m))
	topic := a.get(t, "/api/topics/t")
	for k, want := range map[string]any{"node": "*", "hostname": "", "depth": 12.0, "memory_depth": 4.0, "backend_depth": 8.0, "message_count": 2012.0, "delivery_msg_count": 0.0, "message": ""} {
		if topic[k] != want {
			t.Errorf("%s is %v, want %v", k, topic[k], want)
		}
	}
	nodes, channels := topic["nodes"].([]any), topic["channels"].([]any)
	if len(nodes) != 2 || len(channels) != 2 {
		t.Fatalf("%d nodes and %d channels", len(nodes), len(channels))
	}
	first := nodes[0].(map[string]any)
	if first["hostname"] != "a" || first["node"] != n.address() || first["nodes"] != nil {
		t.Errorf("the first node is %v", first)
	}
	// The node's own channels are its own, not the cluster's.
	own := first["channels"].([]any)[0].(map[string]any)
	if own["depth"] != 5.0 || own["node"] != n.address() {
		t.Errorf("the node's channel is %v", own)
	}
	total := channels[0].(map[string]any)
	if total["depth"] != 12.0 || total["node"] != "*" || len(total["nodes"].([]any)) != 2 || total["clients"] != nil {
		t.Errorf("the merged channel is %v", total)
	}
	latency := total["e2e_processing_latency"].(map[string]any)
	p := latency["percentiles"].([]any)[0].(map[string]any)
	if p["min"] != 5000.0 || p["max"] != 7000.0 || p["count"] != 12.0 || latency["host"] != "*" || latency["channel"] != "c1" {
		t.Errorf("the merged latency is %v", latency)
	}
	if average := p["average"].(float64); int(average) != (5*5000+7*7000)/12 {
		t.Errorf("the average is %v", average)
	}
	a.want(t, "GET", "/api/topics/none", "", 502, fmt.Sprintf(`{"message":"UPSTREAM_ERROR: failed to query any nsqlookupd: got response 404 Not Found \"%s\""}`, strings.ReplaceAll(`{\"message\":\"TOPIC_NOT_FOUND\"}`, `\`, `\\\`)))
	if idle := a.get(t, "/api/topics/idle"); idle["nodes"] != nil || idle["topic_name"] != "idle" {
		t.Errorf("a topic without a node is %v", idle)
	}
}

func TestChannel(t *testing.T) {
	a := over(t, newLookupd(t, newNsqd(t, "a", 5), newNsqd(t, "b", 7)))
	c := a.get(t, "/api/topics/t/c1")
	if c["depth"] != 12.0 || c["client_count"] != 2.0 || len(c["clients"].([]any)) != 2 || len(c["nodes"].([]any)) != 2 {
		t.Errorf("the channel is %v", c)
	}
	client := c["clients"].([]any)[0].(map[string]any)
	if age := time.Duration(client["connected"].(float64)); age < 24*time.Hour*365*50 {
		t.Errorf("connected for %s since 1970", age)
	}
	if _, ok := client["topology_zone"]; ok {
		t.Error("an empty topology_zone is sent")
	}
	if _, ok := c["zone_local_msg_count"]; ok {
		t.Error("a zone_local_msg_count of 0 is sent")
	}
	a.want(t, "GET", "/api/topics/t/no", "", 404, `{"message":"CHANNEL_NOT_FOUND"}`)
}

func TestNodes(t *testing.T) {
	n, m := newNsqd(t, "a", 5), newNsqd(t, "b", 7)
	l := newLookupd(t, n, m)
	other := newLookupd(t, n)
	a := over(t, l, other)
	nodes := a.get(t, "/api/nodes")["nodes"].([]any)
	first, second := nodes[0].(map[string]any), nodes[1].(map[string]any)
	if len(first["remote_addresses"].([]any)) != 2 || first["remote_addresses"].([]any)[0] != l.address()+"/1.2.3.4:5" || first["out_of_date"] != true || second["out_of_date"] != false {
		t.Errorf("the nodes are %v", nodes)
	}
	if topics := first["topics"].([]any); len(topics) != 1 || topics[0].(map[string]any)["tombstoned"] != false {
		t.Errorf("a nsqlookupd that sends too few tombstones gives %v", topics)
	}
	node := a.get(t, "/api/nodes/"+n.address())
	if node["node"] != n.address() || node["total_messages"] != 1005.0 || node["total_clients"] != 1.0 {
		t.Errorf("the node is %v", node)
	}
	a.want(t, "GET", "/api/nodes/127.0.0.1:1", "", 404, `{"message":"NODE_NOT_FOUND"}`)
	stats := a.get(t, "/api/counter")["stats"].(map[string]any)
	if len(stats) != 4 || stats["t:c1:"+n.address()].(map[string]any)["message_count"] != 105.0 {
		t.Errorf("the counters are %v", stats)
	}
}

// TestPartlyDead asks a cluster of which one half is frozen, dead or talks nonsense.
func TestPartlyDead(t *testing.T) {
	for name, breaks := range map[string]func(f *fake){
		"frozen": func(f *fake) { f.freeze(t) },
		"garbage": func(f *fake) {
			f.forget(map[string]string{"/stats": "<html>", "/nodes": "[", "/lookup": "1", "/topics": ""})
		},
		"wrong": func(f *fake) {
			f.forget(map[string]string{"/stats": `{"topics":7}`, "/nodes": `500 no`, "/lookup": `{"producers":{}}`, "/topics": `[]`})
		},
		"dead": func(f *fake) { f.Server.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			n, m := newNsqd(t, "a", 5), newNsqd(t, "b", 7)
			l := newLookupd(t, n, m)
			a := over(t, l)
			breaks(m)
			topic := a.get(t, "/api/topics/t")
			if topic["depth"] != 5.0 || !strings.HasPrefix(topic["message"].(string), "WARNING: ") {
				t.Errorf("with one nsqd broken the topic is %v", topic)
			}
			breaks(n)
			body, status := nsqtest.Do(t, "GET", a.url+"/api/topics/t", "")
			if status != 502 || !strings.HasPrefix(body, `{"message":"UPSTREAM_ERROR: failed to query any nsqd: `) || strings.Count(body, `\n`) != 1 {
				t.Errorf("with both nsqd broken the topic is %d %s", status, body)
			}
			breaks(l)
			body, status = nsqtest.Do(t, "GET", a.url+"/api/nodes", "")
			if status != 502 || !strings.HasPrefix(body, `{"message":"UPSTREAM_ERROR: failed to query any nsqlookupd: `) {
				t.Errorf("without a nsqlookupd the nodes are %d %s", status, body)
			}
			for _, line := range []string{"WARNING: WARNING: ", "ERROR: failed to get topic metadata - failed to query any nsqd: ", "ERROR: failed to get nodes - ", "INFO: CI: querying nsqlookupd http://" + l.address() + "/nodes"} {
				if !strings.Contains(a.log.String(), line) {
					t.Errorf("the log lacks %q", line)
				}
			}
		})
	}
}

func TestNodeThatDemandsTLS(t *testing.T) {
	open := newNsqd(t, "a", 5)
	secure := httptest.NewTLSServer(open.Config.Handler)
	t.Cleanup(secure.Close)
	port := secure.URL[strings.LastIndex(secure.URL, ":")+1:]
	closed := newFake(t, map[string]string{
		"/stats":       `403 {"message":"TLS_REQUIRED","https_port":` + port + `}`,
		"/topic/pause": `403 {"message":"TLS_REQUIRED","https_port":` + port + `}`,
	})
	for skip, want := range map[bool]int{true: 200, false: 502} {
		a := start(t, func(o *nsqadmin.Options) {
			o.LookupdHTTPAddresses = []string{newLookupd(t, closed).address()}
			o.InsecureSkipVerify = skip
		})
		if body, status := nsqtest.Do(t, "GET", a.url+"/api/topics/t", ""); status != want {
			t.Errorf("skip verify %v: status %d, %s", skip, status, body)
		}
		if skip {
			a.want(t, "POST", "/api/topics/t", `{"action":"pause"}`, 200, `{"message":""}`)
			wantPosts(t, "the nsqd over TLS", open, "/topic/pause?topic=t")
		}
	}
}

func TestBasePathAndCompression(t *testing.T) {
	l := newLookupd(t, newNsqd(t, "a", 5))
	a := start(t, func(o *nsqadmin.Options) {
		o.LookupdHTTPAddresses = []string{l.address()}
		o.BasePath = "x//y/"
	})
	a.want(t, "GET", "/ping", "", 404, `{"message":"NOT_FOUND"}`)
	a.want(t, "GET", "/x/y/ping", "", 200, "OK")
	if page := nsqtest.Get(t, a.url+"/x/y"); !strings.Contains(page, `href="/x/y/topics"`) {
		t.Error("the index does not link below the base path")
	}
	for accept, want := range map[string]string{"gzip": "gzip", "deflate, br": "deflate", "gzip;q=1": "", "x, gzip": "gzip"} {
		header := fetch(t, "GET", a.url+"/x/y/api/topics", map[string]string{"Accept-Encoding": accept})
		if header.Get("Content-Encoding") != want || header.Get("Vary") != "Accept-Encoding" {
			t.Errorf("Accept-Encoding %q gives %q", accept, header.Get("Content-Encoding"))
		}
		if header.Get("X-Nsq-Content-Type") != "nsq; version=1.0" {
			t.Errorf("headers are %v", header)
		}
	}
	if header := fetch(t, "GET", a.url+"/x/y/static/none.css", nil); !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
		t.Errorf("an unknown asset is %v", header)
	}
	a.want(t, "GET", "/x/y/static/none.css", "", 404, "NOT_FOUND")
}
