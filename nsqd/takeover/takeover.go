package takeover

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"path"
	"slices"
	"strconv"

	"nsqsuite/diskqueue/upstream"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// folder is where the originals go, each time into one more numbered folder below it.
const folder = "taken-over"

// TakeOver moves what upstream's files in dir hold into the broker's topics,
// which must not have consumers yet. With salvage it reads ".bad" files too, and
// what lies behind damage. It logs what it found. The error is the disk's; then
// nothing has come of the topic that it was about.
func TakeOver(fsys vfs.FS, dir string, b *broker.Broker, salvage bool, log *logging.Logger) error {
	m := &move{fs: fsys, dir: dir, salvage: salvage, log: log}
	for _, t := range b.Topics() {
		if err := m.finish(t); err != nil {
			return fmt.Errorf("topic %s: %w", t.Name(), err)
		}
	}
	queues, err := upstream.List(fsys, dir)
	if err != nil {
		return err
	}
	byTopic := m.sort(queues, b)
	for _, t := range b.Topics() {
		if err := m.topic(t, byTopic[t.Name()]); err != nil {
			return fmt.Errorf("topic %s: %w", t.Name(), err)
		}
	}
	if m.away == "" {
		return nil
	}
	log.Infof("TAKEOVER: the originals of %d files are in %s", m.files, m.away)
	return m.sync()
}

// move is a TakeOver.
type move struct {
	fs      vfs.FS
	dir     string
	salvage bool
	log     *logging.Logger

	away  string // the folder for originals, once there is one
	files int    // in it
}

// queue is a queue of upstream's and whose it is.
type queue struct {
	*upstream.Queue
	channel string // or empty
}

// sort returns the queues of each topic that the broker has.
func (m *move) sort(queues []*upstream.Queue, b *broker.Broker) map[string][]queue {
	byTopic := map[string][]queue{}
	orphans := 0
	for _, q := range queues {
		topic, channel := upstream.SplitName(q.Name)
		all, files := len(q.Files(true)), len(q.Files(m.salvage))
		if !owned(b, q.Name) {
			orphans++
			continue
		}
		if files > 0 {
			byTopic[topic] = append(byTopic[topic], queue{q, channel})
		}
		if bad := all - files; bad > 0 {
			m.log.Warnf("TAKEOVER: %d files of queue %s are left alone: upstream has given them up (.bad); --salvage-bad reads them", bad, q.Name)
		}
	}
	if orphans > 0 {
		m.log.Warnf("TAKEOVER: %d queues are left alone, as nsqd.dat has no such topics or channels: see --check", orphans)
	}
	return byTopic
}

// owned tells whether the broker has the topic, and the channel, that a queue is of.
func owned(b *broker.Broker, queue string) bool {
	topic, channel := upstream.SplitName(queue)
	t, ok := b.FindTopic(topic)
	if ok && channel != "" {
		_, ok = t.FindChannel(channel)
	}
	return ok && !t.Ephemeral()
}

// finish puts away what an earlier start has taken over but left where it was.
// Files that have changed since are not the ones that were taken over.
func (m *move) finish(t *broker.Topic) error {
	originals := t.TakenOver()
	if len(originals) == 0 {
		return nil
	}
	entries, err := m.fs.ReadDir(m.dir)
	if err != nil {
		return err
	}
	for _, name := range entries {
		if !upstream.IsFile(name) {
			continue
		}
		mark, err := m.mark(name)
		if err != nil {
			return err
		}
		if !slices.Contains(originals, mark) {
			continue
		}
		if err := m.putAway(name); err != nil {
			return err
		}
	}
	if err := m.sync(); err != nil {
		return err
	}
	return t.ForgetTakeOver()
}

// mark returns a number that stands for a file as it is now.
func (m *move) mark(name string) (uint64, error) {
	f, err := m.fs.OpenFile(path.Join(m.dir, name))
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size, err := f.Size()
	h := fnv.New64a()
	fmt.Fprintf(h, "%s\n%d", name, size)
	return h.Sum64(), err
}

// topic takes the queues of one topic over and puts their files away.
func (m *move) topic(t *broker.Topic, queues []queue) error {
	var files []string
	var originals []uint64
	for _, q := range queues {
		for _, name := range q.Files(m.salvage) {
			mark, err := m.mark(name)
			if err != nil {
				return err
			}
			files, originals = append(files, name), append(originals, mark)
		}
	}
	took, err := m.messages(t, queues, originals)
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := m.putAway(name); err != nil {
			return err
		}
	}
	if !took {
		return nil
	}
	if err := m.sync(); err != nil {
		return err
	}
	return t.ForgetTakeOver()
}

// messages takes the messages of a topic's queues over, if there are any.
func (m *move) messages(t *broker.Topic, queues []queue, originals []uint64) (took bool, err error) {
	var backlogs []broker.Backlog
	found := make([]upstream.Found, len(queues))
	for i, q := range queues {
		empty, err := q.Empty(m.salvage)
		if err != nil {
			return false, err
		}
		if empty {
			continue
		}
		if q.MetaErr != nil {
			m.log.Warnf("TAKEOVER: queue %s has no usable metadata: everything in its files is taken over", q.Name)
		}
		backlogs = append(backlogs, broker.Backlog{Channel: q.channel, Each: func(take func(protocol.Message) error) (err error) {
			found[i], err = q.Read(m.salvage, func(payload []byte) error {
				msg, err := protocol.DecodeMessage(payload)
				if err != nil {
					return err
				}
				return take(msg)
			})
			return err
		}})
	}
	if len(backlogs) == 0 {
		return false, nil
	}
	if err := t.TakeOver(backlogs, originals); err != nil {
		return false, err
	}
	m.report(queues, found)
	return true, nil
}

// report logs what was found in queues.
func (m *move) report(queues []queue, found []upstream.Found) {
	for i, f := range found {
		if f.Messages == 0 && f.Places == 0 {
			continue
		}
		m.log.Infof("TAKEOVER: queue %s: %d messages, %d bytes", queues[i].Name, f.Messages, f.Bytes)
		for _, d := range f.Damaged {
			m.log.Errorf("TAKEOVER: queue %s: %s", queues[i].Name, d)
		}
		if more := f.Places - int64(len(f.Damaged)); more > 0 {
			m.log.Errorf("TAKEOVER: queue %s: %d more damaged places", queues[i].Name, more)
		}
	}
}

// putAway moves a file to the other originals.
func (m *move) putAway(name string) error {
	if m.away == "" {
		if err := m.makeFolder(); err != nil {
			return err
		}
	}
	m.files++
	return m.fs.Rename(path.Join(m.dir, name), path.Join(m.away, name))
}

// makeFolder makes a folder for the originals that was never there before, so
// that none takes the place of one of an earlier time.
func (m *move) makeFolder() error {
	entries, err := m.fs.ReadDir(path.Join(m.dir, folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	last := 0
	for _, entry := range entries {
		if n, err := strconv.Atoi(entry); err == nil {
			last = max(last, n)
		}
	}
	away := path.Join(m.dir, folder, strconv.Itoa(last+1))
	if err := m.fs.MkdirAll(away); err != nil {
		return err
	}
	m.away = away
	return nil
}

// sync puts on the disk what was moved: that it is there before that it is gone here.
func (m *move) sync() error {
	if m.away == "" {
		return nil
	}
	for _, dir := range []string{m.away, path.Dir(m.away), m.dir} {
		if err := m.fs.SyncDir(dir); err != nil {
			return err
		}
	}
	return nil
}
