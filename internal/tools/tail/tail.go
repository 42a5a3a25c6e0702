package tail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"sync"

	"github.com/nsqio/go-nsq"

	"nsqsuite/internal/tools/client"
)

var errShown = errors.New("as many messages as wanted were printed")

// Run prints messages to out until ctx ends, as many as wanted were printed, or
// out takes no more, which is an error.
func Run(ctx context.Context, o *Options, out io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	config, err := o.Consumer.Config("nsq_tail")
	if err != nil {
		return err
	}
	config.MaxInFlight = o.InFlight
	keys, err := o.Access.Load(client.Log("nsq_tail"))
	if err != nil {
		return err
	}
	if o.Count > 0 {
		config.MaxInFlight = min(o.InFlight, o.Count)
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	var consumers []*nsq.Consumer
	defer func() { client.Stop(consumers...) }()
	page := &page{out: out, end: end}
	for _, topic := range client.Distinct(o.Topics) {
		log.Printf("Adding consumer for topic: %s", topic)
		k, err := nsq.NewConsumer(topic, o.Channel, config)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", topic, o.Channel, err)
		}
		consumers = append(consumers, k)
		p := &printer{page: page, consumer: k, left: o.Count, inFlight: config.MaxInFlight}
		if o.PrintTopic {
			p.before = topic + " | "
		}
		k.AddHandler(p)
		if err := o.sources().Connect(k, keys); err != nil {
			return err
		}
	}
	<-ctx.Done()
	if err := context.Cause(ctx); !errors.Is(err, errShown) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// page is what all topics are printed on.
type page struct {
	end context.CancelCauseFunc

	mu    sync.Mutex
	out   io.Writer
	line  []byte // scratch
	ended bool
}

// print writes a line, or returns false if nothing is to be printed any more.
func (p *page) print(before string, body []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return false
	}
	p.line = append(append(append(p.line[:0], before...), body...), '\n')
	if _, err := p.out.Write(p.line); err != nil {
		p.ended = true
		p.end(err)
		return false
	}
	return true
}

func (p *page) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	p.end(errShown)
}

// printer handles the messages of one topic, one after the other.
type printer struct {
	page     *page
	consumer *nsq.Consumer
	before   string
	left     int // to print; 0 is any number
	inFlight int
}

// HandleMessage is nsq.Handler.
func (p *printer) HandleMessage(m *nsq.Message) error {
	if !p.page.print(p.before, m.Body) {
		p.consumer.ChangeMaxInFlight(0) // or nsqd would send it again at once
		m.RequeueWithoutBackoff(0)
		return nil
	}
	if p.left == 0 {
		return nil
	}
	p.left--
	// The ready count goes down before the message is finished: nsqd must not
	// put another one in its place.
	if p.left < p.inFlight {
		p.consumer.ChangeMaxInFlight(p.left)
	}
	if p.left == 0 {
		p.page.close()
	}
	return nil
}
