package takeover

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"nsqsuite/diskqueue/upstream"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// ErrDamaged says that a Check found damage.
var ErrDamaged = errors.New("there is damage")

// maxDamageLines is how many damaged places a Check tells of one by one.
const maxDamageLines = 1000

// Check reads everything in dir that nsqd would deliver, and writes to w what is
// there, for each topic and channel, in our files and in upstream's, what is
// damaged, and what is litter. It changes nothing. The error is ErrDamaged, the
// disk's or the writer's.
func Check(fsys vfs.FS, dir string, meta []broker.TopicMeta, w io.Writer) error {
	c := &check{fs: fsys, dir: dir, w: w}
	b, err := Open(fsys, dir, meta, c.damaged, c.damaged)
	if err != nil {
		return err
	}
	defer b.Close() //nolint:errcheck // it is only looked at
	for _, t := range b.Topics() {
		if err := c.topic(t); err != nil {
			return err
		}
	}
	if err := c.upstream(b); err != nil {
		return err
	}
	if err := c.findLitter(); err != nil {
		return err
	}
	for _, line := range c.litter {
		c.say("litter: %s", line)
	}
	for _, line := range c.damage {
		c.say("damage: %s", line)
	}
	if c.places == 0 {
		c.say("clean")
		return c.err
	}
	c.say("%d damaged places", c.places)
	return errors.Join(c.err, ErrDamaged)
}

// check is a Check.
type check struct {
	fs  vfs.FS
	dir string
	w   io.Writer
	err error // of w, the first

	damage []string // at most maxDamageLines …
	places int64    // … of so many
	litter []string
}

func (c *check) say(format string, args ...any) {
	if _, err := fmt.Fprintf(c.w, format+"\n", args...); c.err == nil {
		c.err = err
	}
}

func (c *check) damaged(format string, args ...any) {
	c.places++
	if len(c.damage) < maxDamageLines {
		c.damage = append(c.damage, fmt.Sprintf(format, args...))
	}
}

func paused(p bool) string {
	if p {
		return " (paused)"
	}
	return ""
}

func (c *check) topic(t *broker.Topic) error {
	count, err := c.count(t.Stats().Depth, t.PeekHeld)
	if err != nil {
		return err
	}
	c.say("topic %s%s: holds %s", t.Name(), paused(t.Paused()), count)
	for _, ch := range t.Channels() {
		s := ch.Stats()
		count, err := c.count(s.Depth+s.InFlight+s.Deferred, everything(ch))
		if err != nil {
			return err
		}
		c.say("  channel %s%s: %s", ch.Name(), paused(s.Paused), count)
	}
	return nil
}

// count reads messages, of which there should be expected, and says how many there are.
func (c *check) count(expected int64, messages peek) (string, error) {
	n, size, deferred := int64(0), int64(0), int64(0)
	err := messages.each(0, func(p *broker.Peeked) error {
		n++
		size += int64(p.Size)
		if p.Where == broker.Deferred {
			deferred++
		}
		return nil
	})
	text := amount(n, size)
	if n < expected {
		text = fmt.Sprintf("%s can be read of %d", text, expected)
	}
	if deferred > 0 {
		text += fmt.Sprintf(", %d of them deferred", deferred)
	}
	return text, err
}

func amount(messages, bytes int64) string {
	return fmt.Sprintf("%d messages, %d bytes", messages, bytes)
}

// upstream reads upstream's queues.
func (c *check) upstream(b *broker.Broker) error {
	queues, err := upstream.List(c.fs, c.dir)
	if err != nil {
		return err
	}
	for _, q := range queues {
		if err := c.queue(q, owned(b, q.Name)); err != nil {
			return err
		}
	}
	return nil
}

// queue reads one queue of upstream's, which is taken over by the next start if it is owned.
func (c *check) queue(q *upstream.Queue, owned bool) error {
	plain, err := q.Read(false, func([]byte) error { return nil })
	if err != nil {
		return err
	}
	fate := "to be taken over"
	if !owned {
		fate = "left alone, as nsqd.dat has no such topic or channel"
		c.litter = append(c.litter, orphan(c.dir, q.Name))
	}
	c.say("upstream's queue %s: %s, %s", q.Name, amount(plain.Messages, plain.Bytes), fate)
	if errors.Is(q.MetaErr, upstream.ErrMetadata) {
		c.damaged("upstream's queue %s: %s: everything in its files counts", q.Name, q.MetaErr)
	}
	for _, d := range plain.Damaged {
		c.damaged("upstream's queue %s: %s", q.Name, d)
	}
	c.places += plain.Places - int64(len(plain.Damaged))
	salvaged, err := q.Read(true, func([]byte) error { return nil })
	if err != nil {
		return err
	}
	if more := salvaged.Messages - plain.Messages; more > 0 {
		c.say("  with --salvage-bad: %d messages more, of which some may have been finished", more)
	}
	for _, name := range append(q.Litter, q.Consumed()...) {
		c.litter = append(c.litter, name+": upstream has no use for it")
	}
	return nil
}

// orphan says what can be done about a queue that no topic or channel owns.
func orphan(dir, queue string) string {
	topic, channel := upstream.SplitName(queue)
	path := "'" + strings.ReplaceAll(path.Join(dir, queue), "'", `'\''`) + "'"
	remove := "to remove it: rm " + path + ".diskqueue.*"
	ownable := protocol.ValidName(topic) && !protocol.IsEphemeral(topic) && (channel == "" || protocol.ValidName(channel))
	if !ownable || queue != upstream.QueueName(topic, channel) {
		return fmt.Sprintf("queue %s: nobody's; %s", queue, remove)
	}
	adopt := fmt.Sprintf("curl -X POST 'http://…:4151/topic/create?topic=%s'", topic)
	if channel != "" {
		adopt += fmt.Sprintf(" 'http://…:4151/channel/create?topic=%s&channel=%s'", topic, channel)
	}
	return fmt.Sprintf("queue %s: nobody's; to adopt it, start nsqd, %s, and start it again; %s", queue, adopt, remove)
}

// findLitter finds files that nothing needs.
func (c *check) findLitter() error {
	entries, err := c.fs.ReadDir(c.dir)
	if err != nil {
		return err
	}
	for _, name := range entries {
		switch {
		case name == folder:
			c.litter = append(c.litter, name+": upstream's files as they were before their messages were taken over")
		case strings.HasPrefix(name, "nsqd.dat.") && strings.HasSuffix(name, ".tmp"):
			c.litter = append(c.litter, name+": nsqd.dat, not written to its end")
		case strings.HasSuffix(name, ".topic.deleted"):
			c.litter = append(c.litter, name+": a topic whose removal was interrupted")
		case strings.HasSuffix(name, ".topic"):
			if err := c.topicLitter(name); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *check) topicLitter(topic string) error {
	entries, err := c.fs.ReadDir(path.Join(c.dir, topic))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, name := range entries {
		if strings.HasSuffix(name, ".bad") {
			c.litter = append(c.litter, path.Join(topic, name)+": damaged bytes, kept aside")
		}
	}
	return err
}
