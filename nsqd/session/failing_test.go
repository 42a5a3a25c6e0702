package session

import (
	"errors"
	"testing"

	"nsqsuite/diskqueue"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
)

// TestDiskFails has every publishing command meet a disk that is full, and one
// that has space again.
func TestDiskFails(t *testing.T) {
	var disk *vfs.Faulty
	faulty := func(_ *Config, b *broker.Config) {
		mem := vfs.NewMem()
		if err := mem.MkdirAll("/data"); err != nil {
			t.Fatal(err)
		}
		disk = vfs.NewFaulty(mem)
		b.Store = diskqueue.NewStore(disk, "/data", 0)
	}
	full := errors.New("no space left on device")
	for name, text := range map[string]string{
		"PUB":  "> PUB t [x]\n< ! E_PUB_FAILED PUB failed ",
		"MPUB": "> MPUB t [=9][=1][x]\n< ! E_MPUB_FAILED MPUB failed ",
		"DPUB": "> DPUB t 5 [x]\n< ! E_DPUB_FAILED DPUB failed ",
	} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t, faulty)
			defer l.close()
			s := &transcript{t: t, live: l, over: transports[0]}
			s.run("> PUB t [before]\n< OK")
			disk.Fail(func(_ int, op vfs.Op, name string) error {
				if op == vfs.OpWrite || op == vfs.OpCreate {
					return full
				}
				return nil
			})
			s.run(text + "…\n< eof")
			disk.Fail(nil)
			s.run("> PUB t [after]\n< OK\n> SUB t c\n< OK\n> RDY 9\n< m1 before\n< m1 after")
		})
	}
}

// TestBrokerIsExiting has commands come when the broker has closed.
func TestBrokerIsExiting(t *testing.T) {
	for name, text := range map[string]string{
		"PUB":           "> PUB t [x]\n< ! E_PUB_FAILED PUB failed exiting\n< eof",
		"PUB elsewhere": "> PUB u [x]\n< ! E_PUB_FAILED PUB failed exiting\n< eof",
		"MPUB":          "> MPUB t [=9][=1][x]\n< ! E_MPUB_FAILED MPUB failed exiting\n< eof",
		"DPUB":          "> DPUB t 5 [x]\n< ! E_DPUB_FAILED DPUB failed exiting\n< eof",
		"SUB":           "> SUB t c\n< ! E_SUB_FAILED SUB failed exiting\n< eof",
		"SUB elsewhere": "> SUB u c\n< ! E_SUB_FAILED SUB failed exiting\n< eof",
	} {
		t.Run(name, func(t *testing.T) {
			l := newLive(t)
			defer l.close()
			s := &transcript{t: t, live: l, over: transports[0]}
			s.run("> PUB t [x]\n< OK")
			l.closeBroker()
			s.run(text)
		})
	}
}
