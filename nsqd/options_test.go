package nsqd

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/logging"
)

// TestDefaults is the flag reference (nsqd-http-and-config.md 2.4), by key.
func TestDefaults(t *testing.T) {
	host, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"id": defaultNodeID(host), "log_level": logging.Info, "log_prefix": "[nsqd] ", "log_format": "text", "enable_experiment": []string{},
		"topology_region": "", "topology_zone": "",
		"tcp_address": "0.0.0.0:4150", "http_address": "0.0.0.0:4151", "https_address": "0.0.0.0:4152", "broadcast_address": host,
		"broadcast_tcp_port": 0, "broadcast_http_port": 0, "nsqlookupd_tcp_addresses": []string{},
		"http_client_connect_timeout": 2 * time.Second, "http_client_request_timeout": 5 * time.Second,
		"data_path": "", "mem_queue_size": int64(10000), "max_bytes_per_file": int64(104857600), "sync_every": int64(2500), "sync_timeout": 2 * time.Second,
		"queue_scan_selection_count": 20, "queue_scan_worker_pool_max": 4,
		"msg_timeout": time.Minute, "max_msg_timeout": 15 * time.Minute, "max_msg_size": int64(1048576), "max_body_size": int64(5242880), "max_req_timeout": time.Hour,
		"max_heartbeat_interval": time.Minute, "max_rdy_count": int64(2500), "max_output_buffer_size": int64(65536),
		"max_output_buffer_timeout": 30 * time.Second, "min_output_buffer_timeout": 25 * time.Millisecond, "output_buffer_timeout": 250 * time.Millisecond,
		"max_channel_consumers": 0, "max_deflate_level": 6,
		"statsd_address": "", "statsd_interval": time.Minute, "statsd_mem_stats": true, "statsd_prefix": "nsq.%s", "statsd_udp_packet_size": 508, "statsd_exclude_ephemeral": false,
		"e2e_processing_latency_percentiles": []float64{}, "e2e_processing_latency_window_time": 10 * time.Minute,
	} {
		if got, ok := cli.Value(NewOptions(), key); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %#v, want %#v", key, got, want)
		}
	}
	for _, key := range []string{"config", "version", "verbose", "worker_id", "node_id", "lookupd_tcp_address", "-", ""} {
		if v, ok := cli.Value(NewOptions(), key); ok {
			t.Errorf("%q is an option: %v", key, v)
		}
	}
	if got := defaultNodeID("vm"); got != 617 {
		t.Errorf("node id of vm: %d, want 617", got)
	}
}

// TestRefusals is nsqd-http-and-config.md 2.3.
func TestRefusals(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"--max-deflate-level must be [1,9]":                           func(o *Options) { o.MaxDeflateLevel, o.NodeID = 10, -1 },
		"--node-id must be [0,1024)":                                  func(o *Options) { o.NodeID = 1024 },
		"invalid E2E processing latency percentile: 0":                func(o *Options) { o.E2EProcessingLatencyPercentiles = []float64{1, 0} },
		"invalid E2E processing latency percentile: 1.5":              func(o *Options) { o.E2EProcessingLatencyPercentiles = []float64{1.5} },
		"invalid E2E processing latency percentile: NaN":              func(o *Options) { o.E2EProcessingLatencyPercentiles = []float64{math.NaN()} },
		"--mem-queue-size must be 0 or more":                          func(o *Options) { o.MemQueueSize = -1 },
		"--statsd-interval must be more than 1s":                      func(o *Options) { o.StatsdAddress, o.StatsdInterval = "x:1", time.Second },
		"--sync-timeout must be more than 0":                          func(o *Options) { o.SyncTimeout = 0 },
		"--output-buffer-timeout must be more than 0":                 func(o *Options) { o.OutputBufferTimeout = 0 },
		"--queue-scan-selection-count must be 0 or more":              func(o *Options) { o.QueueScanSelectionCount = -1 },
		"--queue-scan-worker-pool-max must be more than 0":            func(o *Options) { o.QueueScanWorkerPoolMax = 0 },
		"--e2e-processing-latency-window-time must be more than 0":    func(o *Options) { o.E2EProcessingLatencyWindowTime = 0 },
		fmt.Sprintf("--max-msg-size must be 1 to %d", maxSize):        func(o *Options) { o.MaxMsgSize = maxSize + 1 },
		"listen (127.0.0.1:x) failed - listen tcp: lookup tcp/x":      func(o *Options) { o.TCPAddress = "127.0.0.1:x" },
		"listen (127.0.0.1:y) failed - listen tcp: lookup tcp/y":      func(o *Options) { o.HTTPAddress = "127.0.0.1:y" },
		"listen (/none/nsqd.sock) failed - listen unix /none/nsqd.so": func(o *Options) { o.HTTPAddress = "/none/nsqd.sock" },
	} {
		o := testOptions(t)
		change(o)
		if got := refusal(t, o); !strings.HasPrefix(got, "failed to instantiate nsqd - "+want) {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	o := testOptions(t)
	o.StatsdInterval = 0 // no matter without an address
	if got := refusal(t, o); got != "" {
		t.Errorf("refused: %s", got)
	}
}

// TestFlagsAndFile: the flags and keys that are not made from each other.
func TestFlagsAndFile(t *testing.T) {
	var out, complaints bytes.Buffer
	p := cli.Program{Name: "nsqd", Stdout: &out, Stderr: &complaints}
	o := NewOptions()
	args := strings.Fields("-node-id 5 -lookupd-tcp-address a:1 -lookupd-tcp-address b:2 -e2e-processing-latency-percentile 0.5,1.0 -e2e-processing-latency-percentile 0.99 " +
		"-enable-experiment topology-aware-consumption -statsd-mem-stats=false -durability=fsync -log-format json -worker-id -verbose")
	if exit, done := p.Parse(o, args); done {
		t.Fatalf("exit %d, %s", exit, complaints.String())
	}
	if o.NodeID != 5 || len(o.LookupdTCPAddresses) != 2 || !reflect.DeepEqual(o.E2EProcessingLatencyPercentiles, []float64{1, 0.99, 0.5}) ||
		len(o.EnableExperiment) != 1 || o.StatsdMemStats || o.Durability.String() != "fsync" || o.LogFormat != logging.JSON {
		t.Errorf("got %+v", o)
	}
	if _, done := p.Parse(NewOptions(), []string{"-durability=always"}); !done || !strings.Contains(complaints.String(), `invalid value "always" for flag -durability: must be memory, write, fsync`) {
		t.Errorf("got %s", complaints.String())
	}
}
