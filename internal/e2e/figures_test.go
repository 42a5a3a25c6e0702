package e2e

import (
	"encoding/json"
	"fmt"
	"net"
	"testing"
	"time"

	"nsqsuite/internal/nsqtest"
	"nsqsuite/protocol"
)

// near is a consumer that says where it is.
func near(t *testing.T, n *nsqtest.Daemon, zone, region string) net.Conn {
	t.Helper()
	conn := nsqtest.Dial(t, n.TCP)
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the reads will tell
	hello := append([]byte(protocol.MagicV2), protocol.AppendCommand(nil, "IDENTIFY")...)
	hello = protocol.AppendBody(hello, fmt.Appendf(nil, `{"topology_zone":%q,"topology_region":%q}`, zone, region))
	hello = append(hello, "SUB t c\nRDY 1\n"...)
	if _, err := conn.Write(hello); err != nil {
		t.Fatal(err)
	}
	for range 2 { // IDENTIFY and SUB
		if kind, data, err := protocol.ReadFrame(conn, 1<<16); err != nil || kind != protocol.FrameResponse {
			t.Fatalf("%d %s %v", kind, data, err)
		}
	}
	return conn
}

// TestNearestConsumersFirst has consumers near and far wait for one message at a time.
func TestNearestConsumersFirst(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	n := nsqtest.Start(t, "nsqd", "--data-path="+t.TempDir(), "--topology-zone=z1", "--topology-region=r1",
		"--enable-experiment=topology-aware-consumption")
	create(t, n, "t", "c")
	far, region, zone := near(t, n, "z9", "r9"), near(t, n, "z2", "r1"), near(t, n, "z1", "r1")
	nsqtest.Eventually(t, patience, "three consumers are ready", func() bool {
		ready := 0
		for _, c := range channel(t, n, "t", "c").Clients {
			ready += int(c.ReadyCount)
		}
		return ready == 3
	})
	for _, conn := range []net.Conn{zone, region, far} { // the nearest first, as none finishes
		post(t, n, "/pub?topic=t", "m")
		kind, data, err := protocol.ReadFrame(conn, 1<<16)
		if err != nil || kind != protocol.FrameMessage {
			t.Fatalf("%d %s %v", kind, data, err)
		}
		m, err := protocol.DecodeMessage(data)
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Body) != "m" {
			t.Errorf("body %q", m.Body)
		}
	}
	c := channel(t, n, "t", "c")
	if c.ZoneLocalMsgCount != 1 || c.RegionLocalMsgCount != 1 || c.GlobalMsgCount != 1 {
		t.Errorf("zone %d, region %d, global %d", c.ZoneLocalMsgCount, c.RegionLocalMsgCount, c.GlobalMsgCount)
	}
}

// TestAges finishes messages of known ages and reads the percentiles.
func TestAges(t *testing.T) {
	if testing.Short() {
		t.Skip("starts real processes")
	}
	n := nsqtest.Start(t, "nsqd", "--data-path="+t.TempDir(), "--e2e-processing-latency-percentile=0.5,1")
	create(t, n, "t", "c")
	const messages = 20
	for range messages {
		post(t, n, "/pub?topic=t&defer=300", "m")
	}
	conn := nsqtest.Dial(t, n.TCP)
	conn.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // the reads will tell
	if _, err := conn.Write([]byte(protocol.MagicV2 + "SUB t c\nRDY 100\n")); err != nil {
		t.Fatal(err)
	}
	for done := 0; done < messages; {
		kind, data, err := protocol.ReadFrame(conn, 1<<16)
		if err != nil {
			t.Fatal(err)
		}
		if kind != protocol.FrameMessage {
			continue
		}
		m, err := protocol.DecodeMessage(data)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write(protocol.AppendCommand(nil, "FIN", m.ID.String())); err != nil {
			t.Fatal(err)
		}
		done++
	}
	var latency *protocol.E2eLatency
	nsqtest.Eventually(t, patience, "all are finished", func() bool {
		latency = channel(t, n, "t", "c").E2eProcessingLatency
		return latency.Count == messages
	})
	text, _ := json.Marshal(latency) //nolint:errcheck // it came as JSON
	if len(latency.Percentiles) != 2 {
		t.Fatalf("%s", text)
	}
	for _, p := range latency.Percentiles {
		if v := time.Duration(p.Value); v < 290*time.Millisecond || v > patience {
			t.Errorf("%s", text)
		}
	}
}
