package redrive

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

const (
	// runBytes is how many bytes of messages are moved at once, but for the first.
	runBytes = 1 << 20
	// holdFor is how long a message may be in flight between its channel and the publish.
	holdFor = time.Minute
	// pace is how many runs a second a rate is divided into.
	pace = 10
)

// job is one redrive.
type job struct {
	Request
	redriver *Redriver
	stop     func()
	ended    chan struct{}

	mu  sync.Mutex
	now protocol.Redrive
}

func (j *job) progress() protocol.Redrive {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.now
}

// run is the redrive from its beginning to its end.
func (j *job) run(ctx context.Context, from *broker.Subscription) {
	name := fmt.Sprintf("REDRIVE(%s/%s to %s)", j.Topic, j.Source.Name(), j.To)
	j.redriver.infof("%s: begins with %d messages, at most %d a second (0: unlimited)", name, j.now.Total, j.Rate)
	err := j.moveAll(ctx, from)
	from.Unsubscribe()
	j.mu.Lock()
	n := &j.now
	n.Ended = time.Now().Unix()
	switch {
	case err != nil:
		n.State, n.Error = protocol.RedriveFailed, err.Error()
	case ctx.Err() != nil && n.Left > 0:
		n.State = protocol.RedriveStopped
	default:
		n.State, n.Left = protocol.RedriveDone, 0
	}
	end := *n
	j.mu.Unlock()
	if err != nil {
		j.redriver.infof("%s: failed after %d messages - %s", name, end.Moved, err)
	} else {
		j.redriver.infof("%s: %s, %d messages moved", name, end.State, end.Moved)
	}
	close(j.ended)
}

// moveAll moves run after run until enough are moved, no more are found, or ctx ends.
func (j *job) moveAll(ctx context.Context, from *broker.Subscription) error {
	to, err := j.redriver.broker.Topic(j.To)
	if err != nil {
		return err
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	next := time.Now() // when the next run may be taken
	for left := j.now.Total; left > 0; {
		timer.Reset(time.Until(next))
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
		}
		from.SetReady(int(min(left, j.atOnce())))
		moved, err := j.move(from, to)
		if err != nil || moved == 0 {
			return err
		}
		left -= int64(moved)
		if j.Rate > 0 {
			next = time.Now().Add(time.Duration(moved) * time.Second / time.Duration(j.Rate))
		}
	}
	return nil
}

// atOnce returns how many messages a run may have.
func (j *job) atOnce() int64 {
	if j.Rate == 0 {
		return broker.MaxRun
	}
	return min(max(j.Rate/pace, 1), broker.MaxRun)
}

// move moves a run of messages and returns how many there were.
func (j *job) move(from *broker.Subscription, to *broker.Topic) (int, error) {
	var run broker.Run
	found, err := from.Receive(&run, runBytes)
	if err != nil || !found {
		return 0, err
	}
	defer run.Release()
	ids, messages, err := split(&run)
	if err == nil {
		err = to.Publish(messages)
	}
	if err != nil {
		for _, id := range ids {
			from.Requeue(id, 0) //nolint:errcheck // else it is not in flight any more
		}
		j.mu.Lock()
		j.now.Failed += int64(len(ids))
		j.mu.Unlock()
		return 0, err
	}
	// What is not in flight any more was emptied meanwhile, or timed out and comes again.
	from.FinishAll(numbers(ids), func(uint64, error) {})
	j.redriver.moved.Add(uint64(len(ids)))
	j.mu.Lock()
	j.now.Moved += int64(len(ids))
	j.now.Left -= int64(len(ids))
	j.mu.Unlock()
	return len(ids), nil
}

// numbers returns what IDs of ours, which have the right form, stand for.
func numbers(ids []protocol.MessageID) []uint64 {
	all := make([]uint64, len(ids))
	for i, id := range ids {
		all[i], _ = protocol.ParseMessageID(id)
	}
	return all
}

// split returns the IDs of a run's messages, and their bodies as messages to be published.
func split(run *broker.Run) (ids []protocol.MessageID, messages []broker.Message, err error) {
	frames := bytes.Join(run.Buffers(), nil)
	for len(frames) > 0 {
		end := 4 + binary.BigEndian.Uint32(frames)
		m, err := protocol.DecodeMessage(frames[protocol.FrameHeaderSize:end])
		if err != nil {
			return ids, nil, err
		}
		ids = append(ids, m.ID)
		messages = append(messages, broker.Message{Body: m.Body})
		frames = frames[end:]
	}
	return ids, messages, nil
}
