package session

import (
	"strings"
	"testing"
)

func TestMagic(t *testing.T) {
	raw(t, map[string]string{
		"right": `
			>. \x20 V2NOP\nPUB t\n[x]
			< OK`,
		"wrong": `
			>. \x20 V3NOP\n
			< ! E_BAD_PROTOCOL
			< eof`,
		"of the registry": `
			>. \x20 V1
			< ! E_BAD_PROTOCOL
			< eof`,
		"HTTP": `
			>. GET / HTTP/1.1\r\n\r\n
			< ! E_BAD_PROTOCOL
			< eof`,
	})
}

func TestFraming(t *testing.T) {
	long := strings.Repeat("x", 16384)
	overAll(t, map[string]string{
		"carriage return": `
			>. PUB t\r\n[hello]
			< OK
			>. PUB t\r\r\n[hello]
			< ! E_BAD_TOPIC PUB topic name "t\r" is not valid
			< eof`,
		"longest line": `
			> NOP ` + long[:16384-len("NOP \n")] + `
			>. PUB t ` + long[:16384-len("PUB t \n")] + `\n[hello]
			< OK`,
		"line too long": `
			> NOP ` + long[:16385-len("NOP \n")] + `
			< eof`,
		"line too long without end": `
			>. ` + long + `
			< eof`,
		"publishes before a line too long": `
			>. PUB t\n[a]PUB t\n[b]NOP ` + long + `\n
			< OK
			< OK
			< eof`,
		"lower case": `
			> nop
			< ! E_INVALID invalid command nop
			< eof`,
		"unknown": `
			> BOGUS a b
			< ! E_INVALID invalid command BOGUS
			< eof`,
		"echo is bounded": `
			> ` + long[:5000] + `
			< ! E_INVALID invalid command ` + long[:1024] + `
			< eof`,
		"empty line": `
			>. \n
			< ! E_INVALID invalid command\s
			< eof`,
		"leading space": `
			>. \x20NOP\n
			< ! E_INVALID invalid command\s
			< eof`,
		"tab is no separator": `
			>. PUB\tt\n
			< ! E_INVALID invalid command PUB	t
			< eof`,
		"two spaces": `
			> PUB  t [hello]
			< ! E_BAD_TOPIC PUB topic name "" is not valid
			< eof`,
		"surplus words": `
			> NOP a b c d
			> PUB t a b c d [hello]
			< OK
			> SUB t c x y z
			< OK
			> RDY 1 x y z
			< m1 hello
			> FIN $1 x y z
			> CLS x y z
			< CLOSE_WAIT`,
		"nothing after a fatal error": `
			>. BOGUS\nPUB t\n[hello]
			< ! E_INVALID invalid command BOGUS
			< eof
			b> SUB t c
			b< OK
			b> RDY 1
			c> PUB t [other]
			c< OK
			b< m1 other`,
		"pipelined": `
			a>. PUB t\n[a]PUB t\n[b]NOP\nMPUB t\n[=20][=2][cc][dd]DPUB t 0\n[e]PUB u\n[f]
			a< OK
			a< OK
			a< OK
			a< OK
			a< OK
			b>. SUB t c\nRDY 9\nNOP\n
			b< OK
			b< m1 a
			b< m1 b
			b< m1 cc
			b< m1 dd
			b< m1 e`,
	})
}

// TestStates goes over every command in every state (protocol.md 3).
func TestStates(t *testing.T) {
	refused := map[string]string{}
	for _, c := range []struct{ before, command, words string }{
		{"", "RDY 1", "RDY"},
		{"", "FIN 0123456789abcdef", "FIN"},
		{"", "REQ 0123456789abcdef 0", "REQ"},
		{"", "TOUCH 0123456789abcdef", "TOUCH"},
		{"", "CLS", "CLS"},
		{"", "RDY x", "RDY"}, // the state is looked at before the parameters
		{"", "FIN", "FIN"},
		{"SUB", "IDENTIFY [{}]", "IDENTIFY"},
		{"SUB", "AUTH [secret]", "AUTH"},
		{"SUB", "AUTH a b", "AUTH"},
		{"SUB", "SUB t c", "SUB"},
		{"SUB", "SUB", "SUB"},
		{"CLS", "IDENTIFY [{}]", "IDENTIFY"},
		{"CLS", "AUTH [secret]", "AUTH"},
		{"CLS", "SUB t c", "SUB"},
		{"CLS", "CLS", "CLS"},
	} {
		text := ""
		if c.before != "" {
			text = "> SUB t c\n< OK\n"
		}
		if c.before == "CLS" {
			text += "> CLS\n< CLOSE_WAIT\n"
		}
		text += "> " + c.command + "\n< ! E_INVALID cannot " + c.words + " in current state\n< eof"
		refused[c.command+" after "+c.before] = text
	}
	overAll(t, refused)
	overAll(t, map[string]string{
		"allowed at all times": `
			> NOP
			> PUB t [a]
			< OK
			> SUB u c
			< OK
			> NOP
			> PUB t [a]
			< OK
			> MPUB t [=9][=1][a]
			< OK
			> DPUB t 1000 [a]
			< OK
			> CLS
			< CLOSE_WAIT
			> NOP
			> PUB t [a]
			< OK
			> MPUB t [=9][=1][a]
			< OK
			> DPUB t 0 [a]
			< OK`,
		"after CLS": `
			b> MPUB t [=18][=2][a][b]
			b< OK
			> SUB t c
			< OK
			> RDY 2
			< m1 a
			< m1 b
			> CLS
			< CLOSE_WAIT
			> RDY 1
			> RDY nonsense
			> TOUCH $1
			> FIN $1
			> REQ $2 0
			> FIN $2
			< ! E_FIN_FAILED FIN $2 failed ID not in flight
			b> SUB t c
			b< OK
			b> RDY 1
			b< m2 b`,
	})
}
