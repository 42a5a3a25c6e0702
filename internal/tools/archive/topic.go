package archive

import (
	"context"
	"fmt"
	"time"

	"github.com/nsqio/go-nsq"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/tools/client"
)

// topic is one topic on its way to files.
type topic struct {
	o        *Options
	label    string // as logs and errors name it
	writer   *writer
	info     logf
	consumer *nsq.Consumer
	messages chan *nsq.Message
	pending  []*nsq.Message // written, but not synced
	reopen   chan struct{}
}

// newTopic returns a topic that receives already; its run must follow.
func newTopic(o *Options, name string, keys *client.Keys, log *logging.Logger) (*topic, error) {
	namer, err := newNamer(o, name)
	if err != nil {
		return nil, err
	}
	config, err := o.Consumer.Config("nsq_to_file")
	if err != nil {
		return nil, err
	}
	config.MaxInFlight = o.InFlight
	label := fmt.Sprintf("[%s/%s]", name, o.Channel)
	info := func(format string, args ...any) { log.Infof("%s %s", label, fmt.Sprintf(format, args...)) }
	warn := func(format string, args ...any) { log.Warnf("%s %s", label, fmt.Sprintf(format, args...)) }
	t := &topic{
		o: o, label: label, writer: &writer{o: o, disk: osDisk{}, namer: namer, info: info, warn: warn},
		info: info, messages: make(chan *nsq.Message), reopen: make(chan struct{}, 1),
	}
	if err := t.writer.recover(); err != nil {
		return nil, err
	}
	if t.consumer, err = nsq.NewConsumer(name, o.Channel, config); err != nil {
		return nil, err
	}
	t.consumer.AddHandler(nsq.HandlerFunc(func(m *nsq.Message) error {
		m.DisableAutoResponse()
		t.messages <- m
		return nil
	}))
	if err := o.sources().Connect(t.consumer, keys); err != nil {
		t.giveBack()
		return nil, err
	}
	return t, nil
}

// run writes messages until ctx ends, or until the disk fails, which is an error.
func (t *topic) run(ctx context.Context) error {
	err := t.write(ctx)
	if err == nil {
		err = t.writer.close()
	}
	if err != nil {
		t.giveBack()
		return fmt.Errorf("%s %w", t.label, err)
	}
	return nil
}

// write is run without what comes after the last message.
func (t *topic) write(ctx context.Context) error {
	tick := time.NewTicker(t.o.SyncInterval)
	defer tick.Stop()
	stopping := false
	done := ctx.Done()
	for {
		var err error
		select {
		case <-done:
			done, stopping = nil, true
			t.consumer.Stop() // which ends when all pending messages are answered
			err = t.sync()
		case <-t.consumer.StopChan:
			return nil
		case m := <-t.messages:
			if err = t.take(m); err == nil && (stopping || len(t.pending) >= t.o.InFlight || t.consumer.IsStarved()) {
				err = t.sync()
			}
		case now := <-tick.C:
			err = t.tick(now)
		case <-t.reopen:
			if err = t.writer.close(); err == nil {
				t.finish()
			}
		}
		if err != nil {
			return err
		}
	}
}

// take writes a message, to a new file if it is time.
func (t *topic) take(m *nsq.Message) error {
	now := time.Now()
	closed, err := t.writer.rotate(now)
	if closed && err == nil {
		t.finish()
	}
	// It is pending even if it cannot be written: then it must be given back.
	t.pending = append(t.pending, m)
	if err != nil {
		return err
	}
	return t.writer.write(now, m.Body)
}

// tick syncs, and rotates if it is time.
func (t *topic) tick(now time.Time) error {
	if err := t.sync(); err != nil {
		return err
	}
	_, err := t.writer.rotate(now)
	if err == nil && t.writer.file == nil && !t.o.SkipEmpty {
		err = t.writer.open(now)
	}
	return err
}

// sync puts what is pending on the disk and finishes it.
func (t *topic) sync() error {
	if len(t.pending) == 0 {
		return nil
	}
	t.info("syncing %d records to disk", len(t.pending))
	if err := t.writer.sync(); err != nil {
		return err
	}
	t.finish()
	return nil
}

// finish finishes what is pending, which must be on the disk.
func (t *topic) finish() {
	for i, m := range t.pending {
		m.Finish()
		t.pending[i] = nil
	}
	t.pending = t.pending[:0]
}

// giveBack ends the consumer; what is not on the disk goes back to nsqd.
func (t *topic) giveBack() {
	t.consumer.ChangeMaxInFlight(0) // or nsqd would send them again at once
	ended := make(chan struct{})
	go func() {
		client.Stop(t.consumer)
		close(ended)
	}()
	for _, m := range t.pending {
		m.RequeueWithoutBackoff(0)
	}
	for {
		select {
		case m := <-t.messages:
			m.RequeueWithoutBackoff(0)
		case <-ended:
			return
		}
	}
}
