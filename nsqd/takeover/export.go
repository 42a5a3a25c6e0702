package takeover

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"

	"nsqsuite/diskqueue"
	"nsqsuite/diskqueue/upstream"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

var (
	// ErrNotEmpty says that an export would write among other files.
	ErrNotEmpty = errors.New("the folder is not empty")
	// ErrNotTakenOver says that an export would leave messages out that are in upstream's files still.
	ErrNotTakenOver = errors.New("upstream's files there were not taken over yet: start nsqd on them once")
)

// Open opens what dir holds for looking at it: nothing there is changed, whatever
// is done to the broker. failed is told of damage, warn of all else that is odd.
func Open(fsys vfs.FS, dir string, meta []broker.TopicMeta, failed, warn func(format string, args ...any)) (*broker.Broker, error) {
	b := broker.New(broker.Config{
		Store:      diskqueue.NewStore(vfs.Frozen{FS: fsys}, dir, 0),
		Durability: diskqueue.Write,
		Errorf:     failed,
		Warnf:      warn,
	})
	return b, b.Restore(meta)
}

// Export writes what the topics in from hold, and are not ephemeral, into the
// folder to, which must be empty or not exist, as upstream's queue files: in the
// order of their publishing, in flight and deferred ones among them. nsqd.dat is
// left to the caller, and so is to sync the folder.
func Export(fsys vfs.FS, from string, b *broker.Broker, to string, maxFileBytes int64, log *logging.Logger) error {
	if err := nothingLeft(fsys, from, b); err != nil {
		return err
	}
	entries, err := fsys.ReadDir(to)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		return fmt.Errorf("%s: %w", to, ErrNotEmpty)
	}
	if err := fsys.MkdirAll(to); err != nil {
		return err
	}
	e := export{fs: fsys, dir: to, maxFileBytes: maxFileBytes, log: log}
	for _, t := range b.Topics() {
		if t.Ephemeral() {
			continue
		}
		if err := e.queue(upstream.QueueName(t.Name(), ""), t.PeekHeld); err != nil {
			return err
		}
		for _, c := range t.Channels() {
			if c.Ephemeral() {
				continue
			}
			if err := e.queue(upstream.QueueName(t.Name(), c.Name()), everything(c)); err != nil {
				return err
			}
		}
	}
	return fsys.SyncDir(path.Dir(to))
}

// nothingLeft is ErrNotTakenOver if the folder has messages that a start of nsqd would take over.
func nothingLeft(fsys vfs.FS, dir string, b *broker.Broker) error {
	queues, err := upstream.List(fsys, dir)
	if err != nil {
		return err
	}
	for _, q := range queues {
		if !owned(b, q.Name) {
			continue
		}
		if empty, err := q.Empty(false); err != nil {
			return err
		} else if !empty {
			return fmt.Errorf("queue %s: %w", q.Name, ErrNotTakenOver)
		}
	}
	return nil
}

// peek is broker.Topic.PeekHeld, or what everything returns.
type peek func(from uint64, limit, maxBody int) ([]broker.Peeked, uint64, error)

// everything peeks at all that a channel owes.
func everything(c *broker.Channel) peek {
	return func(from uint64, limit, maxBody int) ([]broker.Peeked, uint64, error) {
		return c.Peek(broker.Anywhere, from, limit, maxBody)
	}
}

// each calls f for every message, with at most maxBody bytes of its body.
func (p peek) each(maxBody int, f func(*broker.Peeked) error) error {
	for from := uint64(0); ; {
		found, next, err := p(from, broker.MaxPeek, maxBody)
		if err != nil {
			return err
		}
		for i := range found {
			if err := f(&found[i]); err != nil {
				return err
			}
		}
		if from = next; from == 0 {
			return nil
		}
	}
}

// export is an Export.
type export struct {
	fs           vfs.FS
	dir          string
	maxFileBytes int64
	log          *logging.Logger
}

func (e *export) queue(name string, messages peek) error {
	w := upstream.NewWriter(e.fs, e.dir, name, e.maxFileBytes)
	n := 0
	var payload []byte
	err := messages.each(math.MaxInt, func(p *broker.Peeked) error {
		m := p.Message
		m.Attempts = p.Attempts
		payload = protocol.AppendMessage(payload[:0], m)
		n++
		return w.Write(payload)
	})
	if err = errors.Join(err, w.Close()); err != nil {
		return fmt.Errorf("exporting queue %s: %w", name, err)
	}
	e.log.Infof("EXPORT: queue %s: %d messages", name, n)
	return nil
}
