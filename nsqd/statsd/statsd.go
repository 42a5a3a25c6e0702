// Package statsd sends nsqd's figures to a statsd daemon over UDP
// (nsqd-http-and-config.md part 3): counters as the difference to the push
// before, gauges as they are. Nothing here can stop or slow nsqd.
package statsd

import (
	"context"
	"io"
	"net"
	"strconv"
	"strings"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/protocol"
)

const (
	// slack is the part of an interval in which nothing is sent.
	slack = time.Second
	// dialTimeout bounds the search for the address of the statsd daemon.
	dialTimeout = time.Second
	// defaultPacketSize is used if Config.PacketSize is 0 or less.
	defaultPacketSize = 4096
)

// Config is what to send, and where.
type Config struct {
	Address    string        // host:port
	Interval   time.Duration // between pushes, more than a second
	Prefix     string        // of every name, see Prefix
	PacketSize int           // bytes of a packet, unless a single line is longer
	// ExcludeEphemeral leaves ephemeral topics and channels out.
	ExcludeEphemeral bool
	// Stats returns the figures; those of the memory may be nil.
	Stats func() *protocol.Stats
	Log   *logging.Logger
	// Dial opens a socket for one push. If nil, a net.Dialer does.
	Dial func(ctx context.Context, address string) (io.WriteCloser, error)
}

// Prefix returns what --statsd-prefix comes to on a node with this broadcast
// address and HTTP port: every %s is replaced by both of them.
func Prefix(template, host string, port int) string {
	if template == "" {
		return ""
	}
	key := strings.NewReplacer(".", "_", ":", "_").Replace(net.JoinHostPort(host, strconv.Itoa(port)))
	prefix := strings.ReplaceAll(template, "%s", key)
	if !strings.HasSuffix(prefix, ".") {
		prefix += "."
	}
	return prefix
}

// Run pushes every interval until ctx ends.
func Run(ctx context.Context, c Config) {
	if c.PacketSize <= 0 {
		c.PacketSize = defaultPacketSize
	}
	if c.Dial == nil {
		c.Dial = func(ctx context.Context, address string) (io.WriteCloser, error) {
			return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "udp", address)
		}
	}
	ticker := time.NewTicker(c.Interval)
	defer ticker.Stop()
	var last *protocol.Stats
	for {
		select {
		case <-ctx.Done():
			c.Log.Infof("STATSD: closing")
			return
		case <-ticker.C:
		}
		last = c.push(ctx, last)
	}
}

// push sends one report, spread over the interval, and returns what the next
// one shall be compared with.
func (c *Config) push(ctx context.Context, last *protocol.Stats) *protocol.Stats {
	socket, err := c.Dial(ctx, c.Address)
	if err != nil {
		c.Log.Errorf("failed to create UDP socket to statsd(%s) - %s", c.Address, err)
		return last
	}
	defer socket.Close()
	c.Log.Infof("STATSD: pushing stats to %s", c.Address)
	now := c.Stats()
	packets := c.packets(c.report(now, last))
	gap := (c.Interval - slack) / time.Duration(max(len(packets), 1))
	failures := 0
	for i, p := range packets {
		if i > 0 {
			pause(ctx, gap)
		}
		if _, err = socket.Write(p); err != nil {
			failures++
		}
	}
	if failures > 0 {
		c.Log.Errorf("failed to send %d of %d packets to statsd(%s), the last - %s", failures, len(packets), c.Address, err)
	}
	return now
}

// pause waits, unless ctx has ended: then the rest is sent at once.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

// packets puts whole lines together.
func (c *Config) packets(lines [][]byte) [][]byte {
	var packets [][]byte
	var packet []byte
	for _, line := range lines {
		if len(packet) > 0 && len(packet)+len(line) > c.PacketSize {
			packets = append(packets, packet)
			packet = nil
		}
		packet = append(packet, line...)
	}
	if len(packet) > 0 {
		packets = append(packets, packet)
	}
	return packets
}
