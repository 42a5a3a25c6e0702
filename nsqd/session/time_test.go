package session

import (
	"testing"
	"time"

	"nsqsuite/nsqd/broker"
)

// TestTime goes over what time does to a client (protocol.md 9 and 12). Nothing
// comes a millisecond early.
func TestTime(t *testing.T) {
	inBubble(t, transcript{}, map[string]string{
		"heartbeats every 30 s, end after 60 s": `
			= 1ms
			> NOP
			= 29998ms
			< nothing
			= 1ms
			< _heartbeat_
			= 29999ms
			< nothing
			= 1ms
			< _heartbeat_
			< nothing
			= 1ms
			< eof`,
		"a heartbeat interval of 1 s": `
			> IDENTIFY [{"heartbeat_interval":1000}]
			< OK
			= 999ms
			< nothing
			= 1ms
			< _heartbeat_
			= 1ms
			> NOP
			= 999ms
			< _heartbeat_
			= 999ms
			< nothing
			= 1ms
			< _heartbeat_
			< nothing
			= 1ms
			< eof`,
		"no heartbeats": `
			> IDENTIFY [{"heartbeat_interval":-1}]
			< OK
			= 100h
			< nothing
			> PUB t [x]
			< OK`,
		"heartbeats before SUB, after it, and after CLS": `
			= 30s
			< _heartbeat_
			> SUB t c
			< OK
			= 30s
			< _heartbeat_
			> CLS
			< CLOSE_WAIT
			= 30s
			< _heartbeat_
			> NOP
			= 30s
			< _heartbeat_`,
		"a slow body does not move the deadline": `
			= 1ms
			> NOP
			>. PUB t\n\x00\x00
			= 30s
			< _heartbeat_
			>. \x00\x05hel
			= 29999ms
			< _heartbeat_
			= 1ms
			< ! E_BAD_MESSAGE PUB failed to read message body
			< eof`,
		"a slow line does not move it either": `
			= 1ms
			> NOP
			>. N
			= 59s
			< _heartbeat_
			>. O
			= 999ms
			< _heartbeat_
			= 1ms
			< eof`,
		"each command moves it": `
			= 59s
			< _heartbeat_
			>. NO
			>. P\n
			= 59999ms
			< _heartbeat_
			< _heartbeat_
			< nothing
			= 1ms
			< eof`,
		"message timeout": `
			> IDENTIFY [{"msg_timeout":1000}]
			< OK
			> SUB t c
			< OK
			> RDY 1
			b> PUB t [x]
			b< OK
			< m1 x
			= 999ms
			< nothing
			= 1ms
			< m2 x
			> FIN $1
			= 10s
			< nothing`,
		"late FIN": `
			> IDENTIFY [{"msg_timeout":1000}]
			< OK
			> SUB t c
			< OK
			> RDY 1
			b> PUB t [x]
			b< OK
			< m1 x
			> RDY 0
			= 1s
			! counts 1 deep, 0 in flight, 1 timeouts
			> FIN $1
			< ! E_FIN_FAILED FIN $1 failed ID not in flight`,
		"TOUCH": `
			> IDENTIFY [{"msg_timeout":1000}]
			< OK
			> SUB t c
			< OK
			> RDY 1
			b> PUB t [x]
			b< OK
			< m1 x
			= 900ms
			> TOUCH $1
			= 999ms
			< nothing
			= 1ms
			< m2 x`,
		"REQ with a delay": `
			> SUB t c
			< OK
			> RDY 1
			b> PUB t [x]
			b< OK
			< m1 x
			> REQ $1 500
			= 499ms
			< nothing
			! counts 0 deep, 1 deferred, 1 requeues
			= 1ms
			< m2 x
			! counts 0 deferred, 1 in flight, 0 timeouts`,
		"REQ for too long is cut": `
			> SUB t c
			< OK
			> RDY 1
			b> PUB t [x]
			b< OK
			< m1 x
			> REQ $1 99999999999999999999999
			! leave
			b> IDENTIFY [{"heartbeat_interval":-1}]
			b< OK
			= 3599999ms
			d> SUB t c
			d< OK
			d> RDY 1
			d< nothing
			= 1ms
			d< m2 x`,
		"DPUB": `
			> SUB t c
			< OK
			> RDY 1
			b> DPUB t 1500 [x]
			b< OK
			= 1499ms
			< nothing
			! counts 1 deferred, 1 messages, 0 deep
			= 1ms
			< m1 x
			! counts 0 deferred, 1 messages, 1 in flight`,
		"in flight at a disconnect": `
			> IDENTIFY [{"msg_timeout":5000}]
			< OK
			> SUB t c
			< OK
			> RDY 1
			b> PUB t [x]
			b< OK
			< m1 x
			! leave
			d> SUB t c
			d< OK
			d> RDY 1
			d> FIN $1
			d< ! E_FIN_FAILED FIN $1 failed client does not own message
			= 4999ms
			d< nothing
			! counts 1 in flight, 0 timeouts, 1 consumers
			= 1ms
			d< m2 x
			! counts 1 in flight, 1 timeouts, 0 requeues, 1 messages`,
		"a message waits for no flush": `
			> IDENTIFY [{"output_buffer_timeout":30000,"output_buffer_size":65536}]
			< OK
			> SUB t c
			< OK
			> RDY 100
			b> PUB t [x]
			b< OK
			< m1 x`,
	})
	inBubble(t, transcript{raw: true}, map[string]string{
		"no magic": `
			>. \x20
			= 59999ms
			< nothing
			= 1ms
			< eof`,
	})
	inBubble(t, transcript{}, map[string]string{
		"TOUCH reaches no further than the longest timeout": `
			> IDENTIFY [{"msg_timeout":10000}]
			< OK
			= 1ms
			> SUB t c
			< OK
			> RDY 1
			b> PUB t [x]
			b< OK
			< m1 x
			= 9s
			> TOUCH $1
			= 5999ms
			> TOUCH $1
			< nothing
			= 1ms
			< m2 x
			= 9s
			> TOUCH $1
			= 5999ms
			< _heartbeat_
			= 1ms
			< m3 x`,
	}, func(c *Config, b *broker.Config) {
		c.Limits.MaxMsgTimeout, b.MaxMsgTimeout = 15*time.Second, 15*time.Second
	})
}
