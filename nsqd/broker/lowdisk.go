package broker

import (
	"errors"
	"fmt"
	"time"
)

// ErrLowDisk says that the disk has less room than Config.MinFree.
var ErrLowDisk = errors.New("disk is low")

const (
	// freeEvery is how often the broker asks how much room the disk has.
	freeEvery = time.Second
	// freeSlack is which part of Config.MinFree must be free above it before
	// messages are accepted again.
	freeSlack = 10
)

// refuses says why the topic accepts no messages, whatever they are.
func (b *Broker) refuses(t *Topic) error {
	if b.Draining() {
		return ErrDraining
	}
	if low := b.low.Load(); low != nil && !t.ephemeral {
		return low.err
	}
	return nil
}

// checkFree asks how much room the disk has. If it does not say, all stays as it was.
func (b *Broker) checkFree() {
	least := b.config.MinFree
	if least == 0 {
		return
	}
	free, err := b.config.Store.Free()
	if err != nil {
		if !b.blind.Swap(true) {
			b.config.Errorf("failed to ask how much room the data path has - %s", err)
		}
		return
	}
	b.blind.Store(false)
	low := b.low.Load()
	switch {
	case free < least:
		b.low.Store(&failure{fmt.Errorf("%w: %d bytes are free, and %d must be", ErrLowDisk, free, least)})
		if low == nil {
			b.config.Errorf("DISK: refuses messages - %s", b.low.Load().err)
		}
	case low != nil && free-least >= least/freeSlack:
		b.low.Store(nil)
		b.config.Infof("DISK: accepts messages again, %d bytes are free", free)
	}
}
