package main

import (
	"strings"
	"testing"
	"time"
)

const ms = time.Millisecond

// play gives a checker a history in few words, an event a line, such as "10 published"
// or "20 requeue c0 k2 d300" for channel 0, connection 2, 300 ms; m is the message,
// p how many answers are pending, o what failed. All is well on channel 1.
func play(t *testing.T, p promise, lines ...string) *report {
	t.Helper()
	c := newChecker(p)
	for _, line := range lines {
		var e event
		for i, word := range strings.Fields(line) {
			n := 0
			for _, d := range word {
				if d >= '0' && d <= '9' {
					n = n*10 + int(d-'0')
				}
			}
			switch {
			case i == 0:
				e.At = time.Duration(n) * ms
			case i == 1:
				e.Kind = kind(word)
			case word[0] == 'm':
				e.Message = n
			case word[0] == 'c':
				e.Channel = n
			case word[0] == 'k':
				e.Conn = n
			case word[0] == 'p':
				e.Pending = n
			case word[0] == 'd':
				e.Delay = time.Duration(n) * ms
			case word[0] == 'o':
				e.Of = kind(word[1:])
			default:
				t.Fatalf("word %q", word)
			}
		}
		c.add(e)
		if e.Kind == published { // the other channel does what it should
			at := e.At + e.Delay
			for _, k := range []kind{delivered, finish} {
				c.add(event{At: at, Kind: k, Message: e.Message, Channel: 1, Conn: 99})
			}
			c.add(event{At: at, Kind: confirmed, Conn: 99})
		}
	}
	return c.verdict()
}

// good is the life of a message to which nothing happens.
var good = []string{"1 published", "2 acknowledged", "3 delivered k1", "4 finish k1", "5 confirmed k1"}

func TestChecker(t *testing.T) {
	after := func(more ...string) []string { return append(good[:len(good):len(good)], more...) }
	begun := func(more ...string) []string { return append(good[:3:3], more...) }
	for name, c := range map[string]struct {
		history []string
		wrong   verdict // or empty
	}{
		"nothing":                            {nil, ""},
		"good":                               {good, ""},
		"never came":                         {good[:2], lost},
		"unanswered, never came":             {good[:1], ""},
		"refused, never came":                {[]string{"1 published", "2 refused"}, ""},
		"refused, came":                      {[]string{"1 published", "2 refused", "3 delivered"}, unexpected},
		"came altered":                       {after("6 altered"), unexpected},
		"came, not finished":                 {begun(), lost},
		"came, requeued, gone":               {begun("4 requeue k1", "5 confirmed k1"), lost},
		"FIN failed, gone":                   {begun("4 finish k1", "5 failed k1 ofinish"), lost},
		"FIN not processed, gone":            {begun("4 finish k1", "5 killed"), ""},
		"FIN not processed, came, gone":      {begun("4 finish k1", "5 killed", "6 delivered k2"), lost},
		"in flight, killed, gone":            {begun("4 killed", "9000 stopped"), lost},
		"in flight, killed, finished":        {begun("4 killed", "10 delivered k2", "11 finish k2", "12 confirmed k2"), ""},
		"finished, again":                    {after("6 delivered k1"), repeated},
		"finished, stopped, again":           {after("6 stopped", "7 delivered k2"), repeated},
		"finished, killed, again":            {after("6 killed", "7 delivered k2", "8 finish k2", "9 confirmed k2"), ""},
		"finished, killed, again, gone":      {after("6 killed", "7 delivered k2"), lost},
		"finished, killed late, again":       {after("1500 killed", "1501 delivered k2"), repeated},
		"finished twice, again":              {after("6 killed", "7 delivered k2", "8 finish k2", "9 confirmed k2", "10 delivered k2"), repeated},
		"FIN pending elsewhere, came":        {begun("4 finish k1", "5 delivered k2", "6 confirmed k1"), ""},
		"one FIN failed, the other did not":  {begun("4 finish k1", "5 delivered k2", "6 finish k2", "7 failed k2 ofinish", "8 killed"), ""},
		"delayed, early":                     {[]string{"1 published d100", "50 delivered"}, early},
		"delayed, early after a kill":        {[]string{"1 published d100", "2 killed", "50 delivered"}, early},
		"delayed, in time":                   {[]string{"1 published d100", "101 delivered"}, ""},
		"requeued, early":                    {begun("4 requeue k1 d300", "5 confirmed k1", "200 delivered k1"), early},
		"requeued, stopped, early":           {begun("4 requeue k1 d300", "5 confirmed k1", "6 stopped", "200 delivered k1"), early},
		"requeued, killed, early":            {begun("4 requeue k1 d300", "5 confirmed k1", "6 killed", "200 delivered k2", "201 finish k2"), ""},
		"requeued, killed late, early":       {begun("4 requeue k1 d9000", "5 confirmed k1", "1500 killed", "1501 delivered k2"), early},
		"REQ failed, came":                   {begun("4 requeue k1 d300", "5 failed k1 orequeue", "6 confirmed k1", "7 delivered k2", "8 finish k2"), ""},
		"REQ not processed, came":            {begun("4 requeue k1 d300", "5 delivered k2", "6 finish k2"), ""},
		"requeued, in time":                  {begun("4 requeue k1 d300", "5 confirmed k1", "304 delivered k1", "305 finish k1"), ""},
		"touched, early":                     {begun("100 touch k1", "101 confirmed k1", "402 delivered k2"), early},
		"touched, hung up, came":             {begun("100 touch k1", "101 confirmed k1", "102 closed k1", "103 delivered k2", "104 finish k2"), ""},
		"touched, stopped, came":             {begun("100 touch k1", "101 confirmed k1", "102 stopped", "103 delivered k2", "104 finish k2"), ""},
		"touched, in time":                   {begun("100 touch k1", "101 confirmed k1", "500 delivered k2", "501 finish k2"), ""},
		"touched, requeued, came":            {begun("100 touch k1", "101 confirmed k1", "102 requeue k1", "103 delivered k2", "104 finish k2"), ""},
		"only the newer answers are pending": {begun("4 requeue k1 d300", "5 touch k1", "6 confirmed k1 p1", "7 delivered k1"), lost},
	} {
		t.Run(name, func(t *testing.T) {
			// Every wrong history is wrong in one way only, but for losing what it did not finish.
			r := play(t, promise{Loses: -1, Window: time.Second, MsgTimeout: 400 * ms}, c.history...)
			switch {
			case c.wrong == "" && !r.ok():
				t.Errorf("%v: %v", r.wrong, r.shown)
			case c.wrong != "" && r.wrong[c.wrong] == 0:
				t.Errorf("want %s, got %v", c.wrong, r.wrong)
			}
			for v := range r.wrong {
				if v != c.wrong && v != lost {
					t.Errorf("%v: %v", r.wrong, r.shown)
				}
			}
		})
	}
}

// TestCheckerOfMemory holds durability memory to what it promises, and no more.
func TestCheckerOfMemory(t *testing.T) {
	memory := promise{Loses: time.Hour, Window: time.Second, MsgTimeout: 400 * ms}
	if r := play(t, memory, "1 published", "2 acknowledged", "3 stopped"); r.wrong[lost] != 1 {
		t.Errorf("lost in order: %v", r.wrong)
	}
	if r := play(t, memory, "1 killed", "2 published", "3 acknowledged", "4 stopped"); r.wrong[lost] != 1 {
		t.Errorf("lost after the last kill: %v", r.wrong)
	}
	if r := play(t, memory, "1 published", "2 acknowledged", "3 killed"); !r.ok() || r.forgiven != 1 {
		t.Errorf("lost by a kill: %v, %d forgiven", r.wrong, r.forgiven)
	}
}

// TestCheckerOfPower forgives what a power loss takes of durability write, and no more.
func TestCheckerOfPower(t *testing.T) {
	power := promise{Loses: 100 * ms, Window: time.Second, MsgTimeout: 400 * ms}
	if r := play(t, power, "1 published", "2 acknowledged", "50 killed"); !r.ok() || r.forgiven != 1 {
		t.Errorf("lost just before: %v, %d forgiven", r.wrong, r.forgiven)
	}
	if r := play(t, power, "1 published", "2 acknowledged", "200 killed"); r.wrong[lost] != 1 {
		t.Errorf("lost long before: %v", r.wrong)
	}
	power.Vague = true
	if r := play(t, power, "1 published", "2 refused", "3 killed", "4 delivered", "5 finish"); !r.ok() || r.recovered != channelsPerTopic {
		t.Errorf("refused by a disk that failed: %v, %d recovered", r.wrong, r.recovered)
	}
}

func TestReport(t *testing.T) {
	r := play(t, promise{Loses: -1, Window: time.Second}, "1 published d20", "2 acknowledged", "3 delivered", "4 killed", "5 stopped")
	var out strings.Builder
	r.print(&out)
	for _, part := range []string{"1 by SIGKILL, 1 by SIGTERM", "1 acknowledged", "1 lost, 1 early, 0 repeated", "early: message 0 on channel 0, delivered at 3ms: published with a delay, 18ms too early"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("%q is missing in\n%s", part, &out)
		}
	}
}
