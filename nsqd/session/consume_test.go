package session

import (
	"testing"

	"nsqsuite/nsqd/broker"
)

// TestConsume goes over protocol.md 7.1 to 7.6.
func TestConsume(t *testing.T) {
	overAll(t, map[string]string{
		"SUB without channel": `
			> SUB t
			< ! E_INVALID SUB insufficient number of parameters
			< eof`,
		"SUB bad topic": `
			> SUB t$ c$
			< ! E_BAD_TOPIC SUB topic name "t$" is not valid
			< eof`,
		"SUB bad channel": `
			> SUB t c$
			< ! E_BAD_CHANNEL SUB channel name "c$" is not valid
			< eof`,
		"SUB empty channel": `
			>. SUB t \n
			< ! E_BAD_CHANNEL SUB channel name "" is not valid
			< eof`,
		"nothing before RDY": `
			b> PUB t [x]
			b< OK
			> SUB t c
			< OK
			> PUB u [x]
			< OK
			> RDY 1
			< m1 x`,
		"RDY forms": `
			b> MPUB t [=30][=3][a][b][c]
			b< OK
			> SUB t c
			< OK
			> RDY
			< m1 a
			>. RDY \n
			> FIN $1
			> PUB u [x]
			< OK
			> RDY 2500
			< m1 b
			< m1 c
			> RDY 2501
			< ! E_INVALID RDY count 2501 out of range 0-2500
			< eof`,
		"RDY no number": `
			> SUB t c
			< OK
			> RDY -1
			< ! E_INVALID RDY could not parse count -1
			< eof`,
		"RDY overflow": `
			> SUB t c
			< OK
			> RDY 18446744073709551617
			< ! E_INVALID RDY count 18446744073709551615 out of range 0-2500
			< eof`,
		"RDY is a ceiling on what is in flight": `
			b> MPUB t [=30][=3][a][b][c]
			b< OK
			> SUB t c
			< OK
			> RDY 2
			< m1 a
			< m1 b
			> PUB u [x]
			< OK
			> FIN $1
			< m1 c`,
		"FIN without ID": `
			> SUB t c
			< OK
			> FIN
			< ! E_INVALID FIN insufficient number of params
			< eof`,
		"FIN bad ID": `
			> SUB t c
			< OK
			> FIN 0123456789abcde
			< ! E_INVALID invalid message ID
			< eof`,
		"REQ without delay": `
			> SUB t c
			< OK
			> REQ 0123456789abcdef
			< ! E_INVALID REQ insufficient number of params
			< eof`,
		"REQ bad ID": `
			> SUB t c
			< OK
			> REQ 0123456789abcdefg x
			< ! E_INVALID invalid message ID
			< eof`,
		"REQ bad delay": `
			> SUB t c
			< OK
			> REQ 0123456789abcdef 1s
			< ! E_INVALID REQ could not parse timeout 1s
			< eof`,
		"TOUCH without ID": `
			> SUB t c
			< OK
			> TOUCH
			< ! E_INVALID TOUCH insufficient number of params
			< eof`,
		"TOUCH bad ID": `
			> SUB t c
			< OK
			>. TOUCH \n
			< ! E_INVALID invalid message ID
			< eof`,
		"errors that are not fatal": `
			> SUB t c
			< OK
			> FIN 0123456789abcdef
			< ! E_FIN_FAILED FIN 0123456789abcdef failed ID not in flight
			> FIN notevenhexdigits
			< ! E_FIN_FAILED FIN notevenhexdigits failed ID not in flight
			> REQ 0123456789abcdef 0
			< ! E_REQ_FAILED REQ 0123456789abcdef failed ID not in flight
			> TOUCH 0123456789abcdef
			< ! E_TOUCH_FAILED TOUCH 0123456789abcdef failed ID not in flight
			b> PUB t [x]
			b< OK
			> RDY 1
			< m1 x
			> FIN $1
			> FIN $1
			< ! E_FIN_FAILED FIN $1 failed ID not in flight`,
		"a message of another client": `
			b> PUB t [x]
			b< OK
			> SUB t c
			< OK
			> RDY 1
			< m1 x
			b> SUB t c
			b< OK
			b> FIN $1
			b< ! E_FIN_FAILED FIN $1 failed client does not own message
			b> REQ $1 0
			b< ! E_REQ_FAILED REQ $1 failed client does not own message
			b> TOUCH $1
			b< ! E_TOUCH_FAILED TOUCH $1 failed client does not own message
			> FIN $1
			> PUB u [x]
			< OK
			b> FIN $1
			b< ! E_FIN_FAILED FIN $1 failed ID not in flight`,
		"REQ 0": `
			b> PUB t [x]
			b< OK
			> SUB t c
			< OK
			> RDY 1
			< m1 x
			> REQ $1 0
			< m2 x
			>. REQ $1 \n
			< m3 x
			> RDY 0
			> REQ $1 0
			> FIN $1
			< ! E_FIN_FAILED FIN $1 failed ID not in flight
			b> SUB t c
			b< OK
			b> RDY 1
			b< m4 x`,
		"FINs and their errors in order": `
			b> MPUB t [=30][=2][a][b]
			b< OK
			> SUB t c
			< OK
			> RDY 2
			< m1 a
			< m1 b
			>. FIN $1\nFIN $1\nPUB u\n[x]FIN $2\nFIN $1\nCLS\n
			< ! E_FIN_FAILED FIN $1 failed ID not in flight
			< OK
			< ! E_FIN_FAILED FIN $1 failed ID not in flight
			< CLOSE_WAIT`,
	})
}

// TestAdmin does to a channel and a topic what HTTP requests do, under a client (protocol.md 13).
func TestAdmin(t *testing.T) {
	overAll(t, map[string]string{
		"empty channel": `
			b> MPUB t [=30][=3][a][b][c]
			b< OK
			> SUB t c
			< OK
			> RDY 2
			< m1 a
			< m1 b
			! empty t c
			> FIN $1
			< ! E_FIN_FAILED FIN $1 failed ID not in flight
			> REQ $2 0
			< ! E_REQ_FAILED REQ $2 failed ID not in flight
			! counts 0 deep, 0 in flight, 3 messages
			b> PUB t [new]
			b< OK
			< m1 new`,
		"pause channel": `
			> SUB t c
			< OK
			> RDY 2
			b> PUB t [a]
			b< OK
			< m1 a
			! pause t c
			b> PUB t [b]
			b< OK
			> FIN $1
			> PUB u [x]
			< OK
			! unpause t c
			< m1 b`,
		"pause topic": `
			> SUB t c
			< OK
			> RDY 2
			! pause t
			b> PUB t [a]
			b< OK
			> PUB u [x]
			< OK
			! unpause t
			< m1 a`,
		"delete channel": `
			> SUB t c
			< OK
			> RDY 1
			! delete t c
			< eof
			b> SUB t c
			b< OK
			b> RDY 1
			b> PUB u [x]
			b< OK`,
		"delete topic": `
			> SUB t c
			< OK
			b> PUB t [a]
			b< OK
			! delete t
			< eof
			b> PUB t [b]
			b< OK
			d> SUB t c
			d< OK
			d> RDY 2
			d< m1 b`,
		"ephemeral channel is gone with its consumer": `
			> SUB t c#ephemeral
			< OK
			b> PUB t [a]
			b< OK
			> RDY 1
			< m1 a
			! leave
			b> PUB t [b]
			b< OK`,
	})
}

func TestConsumerLimit(t *testing.T) {
	l := newLive(t, func(_ *Config, b *broker.Config) { b.MaxChannelConsumers = 1 })
	defer l.close()
	(&transcript{t: t, live: l, over: transports[0]}).run(`
		> SUB t c
		< OK
		b> SUB t c
		b< ! E_SUB_FAILED SUB failed consumers for t:c exceeds limit of 1
		b< eof
		d> SUB t other
		d< OK`)
}
