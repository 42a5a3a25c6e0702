package session

import (
	"testing"

	"nsqsuite/nsqd/broker"
)

// TestTopology has consumers from near and far wait: with the experiment the
// nearest one is served first, without it who waits longest.
func TestTopology(t *testing.T) {
	here := func(c *Config, _ *broker.Config) { c.TopologyRegion, c.TopologyZone = "r", "z" }
	aware := func(c *Config, _ *broker.Config) { c.TopologyAware = true }
	subscribed := `
		a> SUB t c
		a< OK
		a> RDY 1
		b> IDENTIFY [{"topology_region":"r","topology_zone":"other"}]
		b< OK
		b> SUB t c
		b< OK
		b> RDY 1
		d> IDENTIFY [{"topology_region":"r","topology_zone":"z"}]
		d< OK
		d> SUB t c
		d< OK
		d> RDY 1
		= 1ms
		> MPUB t [=9][=1][1]
		< OK
		`
	inBubble(t, transcript{}, map[string]string{"off": subscribed + "a< m1 1"}, here)
	inBubble(t, transcript{}, map[string]string{"on": subscribed + `
		d< m1 1
		> PUB t [2]
		< OK
		b< m1 2
		> PUB t [3]
		< OK
		a< m1 3`}, here, aware)
	inBubble(t, transcript{}, map[string]string{"no zone on either side": `
		a> SUB t c
		a< OK
		a> RDY 1
		b> IDENTIFY [{}]
		b< OK
		b> SUB t c
		b< OK
		b> RDY 1
		= 1ms
		> PUB t [1]
		< OK
		b< m1 1`}, aware)
}
