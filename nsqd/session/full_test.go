package session

import (
	"testing"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
)

// TestFull has publishers meet a full channel: they are told, and go on. Of
// commands sent in one piece each has its own answer.
func TestFull(t *testing.T) {
	const full = "channel c is full: "
	for name, text := range map[string]string{
		"PUB":  "> PUB t [d]\n< ! E_PUB_FAILED PUB failed " + full + "3 of 3 messages, refused 1 more",
		"MPUB": "> MPUB t [=9][=1][d]\n< ! E_MPUB_FAILED MPUB failed " + full + "3 of 3 messages, refused 1 more",
		"DPUB": "> DPUB t 5 [d]\n< ! E_DPUB_FAILED DPUB failed " + full + "3 of 3 messages, refused 1 more",
	} {
		for _, over := range transports {
			t.Run(name+"/"+over.name, func(t *testing.T) {
				l := newLive(t, func(_ *Config, b *broker.Config) { b.ChannelLimits.MaxDepth = 3 })
				defer l.close()
				s := &transcript{t: t, live: l, over: over}
				s.run(`c> SUB t c
					c< OK
					>. PUB t\n\x00\x00\x00\x01aPUB t\n\x00\x00\x00\x01bDPUB t 0\n\x00\x00\x00\x01cPUB t\n\x00\x00\x00\x01dPUB t\n\x00\x00\x00\x01e
					< OK
					< OK
					< OK
					< ! E_PUB_FAILED PUB failed ` + full + `3 of 3 messages, refused 1 more
					< ! E_PUB_FAILED PUB failed ` + full + `3 of 3 messages, refused 1 more
					` + text + `
					> PUB u [other]
					< OK
					c> RDY 1
					c< m1 a
					c> FIN $1
					c< m1 b
					>. MPUB t\n\x00\x00\x00\x0e\x00\x00\x00\x02\x00\x00\x00\x01e\x00\x00\x00\x01fMPUB t\n\x00\x00\x00\x09\x00\x00\x00\x01\x00\x00\x00\x01d
					< ! E_MPUB_FAILED MPUB failed ` + full + `2 of 3 messages, refused 2 more
					< OK
					> MPUB t [=14][=2][e][f]
					< ! E_MPUB_FAILED MPUB failed ` + full + `3 of 3 messages, refused 2 more
					c> FIN $2
					c< m1 c
					c> FIN $3
					c< m1 d
					> MPUB t [=14][=2][e][f]
					< OK`)
			})
		}
	}
}

// TestLowDisk has publishers meet a disk that is low.
func TestLowDisk(t *testing.T) {
	l := newLive(t, func(_ *Config, b *broker.Config) {
		mem := vfs.NewMem()
		if err := mem.MkdirAll("/data"); err != nil {
			t.Fatal(err)
		}
		mem.SetFree(99)
		b.Store, b.MinFree = diskqueue.NewStore(mem, "/data", 0), 100
		b.Errorf = t.Logf
	})
	defer l.close()
	s := &transcript{t: t, live: l, over: transports[0]}
	const low = "disk is low: 99 bytes are free, and 100 must be"
	s.run("> PUB t [x]\n< ! E_PUB_FAILED PUB failed " + low + "\n> MPUB t [=14][=2][e][f]\n< ! E_MPUB_FAILED MPUB failed " + low +
		"\n> DPUB t 7 [x]\n< ! E_DPUB_FAILED DPUB failed " + low + "\n> PUB t#ephemeral [x]\n< OK")
}
