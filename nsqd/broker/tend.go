package broker

import (
	"errors"

	"nsqsuite/diskqueue"
)

// idleTends is after how many rounds without a change a topic gives up what it keeps for speed.
const idleTends = 2

// tend writes and syncs what changed, and removes what no channel needs.
func (t *Topic) tend() {
	t.keepWithin()
	if t.journal == nil {
		return
	}
	end := t.log.End()
	if end == t.tended.end && !t.journal.changed() && !t.ailing.Load() {
		t.tended.idle++
		if t.tended.idle > idleTends {
			return
		}
	} else {
		t.tended.end, t.tended.idle = end, 0
		t.diskFailed(t.save())
	}
	idle := t.tended.idle == idleTends
	if idle && t.rereads() {
		t.log.Forget(t.unread()) // what is owed, perhaps for hours, can be read again
	}
	if _, err := t.log.Trim(idle); err != nil && !errors.Is(err, diskqueue.ErrClosed) {
		t.broker.config.Errorf("TOPIC(%s): failed to remove old segments - %s", t.name, err)
	}
}

// save writes and syncs what changed. After a failure it first tries the disk by
// writing the journal anew: so the topic is known to be well again even if nobody
// dares to publish.
func (t *Topic) save() error {
	ailing := t.ailing.Swap(false)
	if ailing {
		t.journal.distrust()
	}
	if err := errors.Join(t.journal.write(), t.log.Sync(), t.journal.sync()); err != nil {
		return err
	}
	if ailing {
		t.broker.wrote()
	}
	return nil
}

// needs tells whether any message with first ≤ offset < end may still be asked for.
func (t *Topic) needs(first, end uint64) bool {
	if t.hold.Load() < end {
		return true
	}
	for _, c := range *t.readers.Load() {
		if c.owes(first, end) {
			return true
		}
	}
	return false
}
