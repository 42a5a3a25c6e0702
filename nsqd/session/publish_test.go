package session

import "testing"

// TestPublish goes over the rows of protocol.md 7.8 to 7.10. The largest message
// has 1000 bytes here, the largest body 5000.
func TestPublish(t *testing.T) {
	overAll(t, map[string]string{
		"PUB without topic": `
			> PUB
			< ! E_INVALID PUB insufficient number of parameters
			< eof`,
		"PUB bad topic": `
			> PUB a"b\xff\x01
			< ! E_BAD_TOPIC PUB topic name "a\"b\xff\x01" is not valid
			< eof`,
		"PUB bad ephemeral topic": `
			> PUB #ephemeral [x]
			< ! E_BAD_TOPIC PUB topic name "#ephemeral" is not valid
			< eof`,
		"PUB ephemeral topic": `
			> PUB x#ephemeral [x]
			< OK`,
		"PUB size 0": `
			> PUB t [=0]
			< ! E_BAD_MESSAGE PUB invalid message body size 0
			< eof`,
		"PUB negative size": `
			> PUB t [=-1]
			< ! E_BAD_MESSAGE PUB invalid message body size -1
			< eof`,
		"PUB largest": `
			> PUB t [1000*x]
			< OK`,
		"PUB too large": `
			> PUB t [1001*x]
			< ! E_BAD_MESSAGE PUB message too big 1001 > 1000
			< eof`,
		"PUB far too large": `
			> PUB t [=2147483647]
			< ! E_BAD_MESSAGE PUB message too big 2147483647 > 1000
			< eof`,
		"DPUB without delay": `
			> DPUB t
			< ! E_INVALID DPUB insufficient number of parameters
			< eof`,
		"DPUB bad topic": `
			> DPUB t/ x
			< ! E_BAD_TOPIC DPUB topic name "t/" is not valid
			< eof`,
		"DPUB bad delay": `
			> DPUB t -1 [x]
			< ! E_INVALID DPUB could not parse timeout -1
			< eof`,
		"DPUB longest delay": `
			> DPUB t 3600000 [x]
			< OK
			> DPUB t 3600001 [x]
			< ! E_INVALID DPUB timeout 3600001 out of range 0-3600000
			< eof`,
		"DPUB overflow": `
			> DPUB t 18446744073709551617 [x]
			< ! E_INVALID DPUB timeout 18446744073709551615 out of range 0-3600000
			< eof`,
		"DPUB empty delay": `
			>. DPUB t \n[x]
			< OK
			> SUB t c
			< OK
			> RDY 1
			< m1 x`,
		"DPUB size 0": `
			> DPUB t 1 [=0]
			< ! E_BAD_MESSAGE DPUB invalid message body size 0
			< eof`,
		"DPUB too large": `
			> DPUB t 1 [=1001]
			< ! E_BAD_MESSAGE DPUB message too big 1001 > 1000
			< eof`,
		"MPUB without topic": `
			> MPUB
			< ! E_INVALID MPUB insufficient number of parameters
			< eof`,
		"MPUB bad topic": `
			> MPUB t!
			< ! E_BAD_TOPIC E_BAD_TOPIC MPUB topic name "t!" is not valid
			< eof`,
		"MPUB body size 0": `
			> MPUB t [=0]
			< ! E_BAD_BODY MPUB invalid body size 0
			< eof`,
		"MPUB body too large": `
			> MPUB t [=5001]
			< ! E_BAD_BODY MPUB body too big 5001 > 5000
			< eof`,
		"MPUB no messages": `
			> MPUB t [=4][=0]
			< ! E_BAD_BODY MPUB invalid message count 0
			< eof`,
		"MPUB negative count": `
			> MPUB t [=4][=-7]
			< ! E_BAD_BODY MPUB invalid message count -7
			< eof`,
		"MPUB too many messages": `
			> MPUB t [=4][=1000]
			< ! E_BAD_BODY MPUB invalid message count 1000
			< eof`,
		"MPUB message size 0": `
			> MPUB t [=9][=2][a][=0]
			< ! E_BAD_MESSAGE MPUB invalid message(1) body size 0
			< eof`,
		"MPUB message too large": `
			> MPUB t [=2000][=1][1001*x]
			< ! E_BAD_MESSAGE MPUB message too big 1001 > 1000
			< eof`,
		"MPUB more than the largest body": `
			> MPUB t [=100][=6][1000*a][1000*b][1000*c][1000*d][1000*e]
			< ! E_BAD_BODY MPUB body too big 5020 > 5000
			< eof`,
		"MPUB with a bad second message publishes none": `
			> MPUB t [=20][=2][a][=-1]
			< ! E_BAD_MESSAGE MPUB invalid message(1) body size -1
			< eof
			b> PUB t [good]
			b< OK
			c> SUB t c
			c< OK
			c> RDY 9
			c< m1 good`,
		"MPUB body size is not compared": `
			> MPUB t [=1][=1][abcdef]
			< OK
			> MPUB t [=100][=1][abcdef]
			< OK
			> NOP
			> PUB t [x]
			< OK`,
		"MPUB in order": `
			> MPUB t [=100][=3][a][b][c]
			< OK
			> SUB t c
			< OK
			> RDY 3
			< m1 a
			< m1 b
			< m1 c`,
	})
}

// TestCutShort ends the input inside each part of a command: what can be told of it is told.
func TestCutShort(t *testing.T) {
	for sent, want := range map[string]string{
		"PUB t\n":                      "E_BAD_MESSAGE PUB failed to read message body size",
		"PUB t\n\x00\x00":              "E_BAD_MESSAGE PUB failed to read message body size",
		"PUB t\n\x00\x00\x00\x02":      "E_BAD_MESSAGE PUB failed to read message body",
		"PUB t\n\x00\x00\x00\x02a":     "E_BAD_MESSAGE PUB failed to read message body",
		"DPUB t 1\n\x00":               "E_BAD_MESSAGE DPUB failed to read message body size",
		"DPUB t 1\n\x00\x00\x00\x02a":  "E_BAD_MESSAGE DPUB failed to read message body",
		"MPUB t\n\x00":                 "E_BAD_BODY MPUB failed to read body size",
		"MPUB t\n\x00\x00\x00\x09\x00": "E_BAD_BODY MPUB failed to read message count",
		"MPUB t\n\x00\x00\x00\x09\x00\x00\x00\x02\x00\x00\x00\x01a\x00": "E_BAD_MESSAGE MPUB failed to read message(1) body size",
		"MPUB t\n\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\x02a":     "E_BAD_MESSAGE MPUB failed to read message body",
		"IDENTIFY\n\x00":                      "E_BAD_BODY IDENTIFY failed to read body size",
		"IDENTIFY\n\x00\x00\x00\x02{":         "E_BAD_BODY IDENTIFY failed to read body",
		"AUTH\n\x00":                          "E_BAD_BODY AUTH failed to read body size",
		"AUTH\n\x00\x00\x00\x02a":             "E_BAD_BODY AUTH failed to read body",
		"PUB u\n\x00\x00\x00\x01aPUB t\n\x00": "OK",
		"PUB u\n\x00\x00\x00\x01aPUB v\n\x00\x00\x00\x01bMPUB w\n\x00\x00\x00\x09\x00": "OK",
	} {
		t.Run(sent, func(t *testing.T) {
			l := newLive(t)
			defer l.close()
			c := l.client(transports[0], false)
			c.write([]byte(sent))
			c.conn.(interface{ CloseWrite() error }).CloseWrite() //nolint:errcheck // what comes back tells
			first := <-c.frames
			if first.data != want {
				t.Errorf("%q, want %q", first.data, want)
			}
			for f := first; f.err == nil; f = <-c.frames {
			}
		})
	}
}
