package broker

import (
	"errors"

	"nsqsuite/diskqueue"
)

// idleTends is after how many rounds without a change a topic gives up what it keeps for speed.
const idleTends = 2

// tend writes and syncs what changed, and removes what no channel needs.
func (t *Topic) tend() {
	if t.journal == nil {
		return
	}
	end := t.log.End()
	if end == t.tended.end && !t.journal.changed() {
		t.tended.idle++
		if t.tended.idle > idleTends {
			return
		}
	} else {
		t.tended.end, t.tended.idle = end, 0
		t.checkpoint()
		if err := errors.Join(t.log.Sync(), t.journal.file.Sync()); err != nil {
			t.broker.writeFailed(t, err) //nolint:errcheck // logged there; nobody waits for it
		}
	}
	if _, err := t.log.Trim(t.tended.idle == idleTends); err != nil && !errors.Is(err, diskqueue.ErrClosed) {
		t.broker.config.Errorf("TOPIC(%s): failed to remove old segments - %s", t.name, err)
	}
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
