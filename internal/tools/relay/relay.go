package relay

import (
	"context"
	"sync"
	"time"

	"github.com/nsqio/go-nsq"

	"nsqsuite/internal/tools/client"
	"nsqsuite/internal/tools/target"
)

// Run publishes messages until ctx ends.
func Run(ctx context.Context, o *Options) error {
	if err := o.check(); err != nil {
		return err
	}
	config, err := o.Consumer.Config("nsq_to_nsq")
	if err != nil {
		return err
	}
	config.MaxInFlight = o.InFlight
	keys, err := o.Access.Load(client.Log("nsq_to_nsq"))
	if err != nil {
		return err
	}
	d, err := newDestinations(o)
	if err != nil {
		return err
	}
	defer d.stop()
	var consumers []*nsq.Consumer
	defer func() { client.Stop(consumers...) }()
	for _, topic := range client.Distinct(o.Topics) {
		k, err := nsq.NewConsumer(topic, o.Channel, config)
		if err != nil {
			return err
		}
		consumers = append(consumers, k)
		to := topic
		if o.DestinationTopic != "" {
			to = o.DestinationTopic
		}
		k.AddConcurrentHandlers(&publisher{d: d, topic: to, filter: filter{o.RequireField, o.RequireValue, o.Whitelist}}, len(d.producers))
		if err := o.sources().Connect(k, keys); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return nil
}

// publisher passes the messages of one topic on. It is a nsq.Handler.
type publisher struct {
	d      *destinations
	topic  string
	filter filter
}

// HandleMessage is nsq.Handler.
func (p *publisher) HandleMessage(m *nsq.Message) error {
	body, pass, err := p.filter.apply(m.Body)
	if err != nil || !pass {
		return err
	}
	return p.d.publish(p.topic, body, m)
}

// destinations are the nsqd that are published to.
type destinations struct {
	producers []*nsq.Producer
	pool      *target.Pool
	times     *target.Times
	answers   chan *nsq.ProducerTransaction
	answering sync.WaitGroup
}

func newDestinations(o *Options) (*destinations, error) {
	config, err := o.Producer.Config("nsq_to_nsq")
	if err != nil {
		return nil, err
	}
	addresses := client.Distinct(o.Destinations)
	d := &destinations{
		pool: target.NewPool(len(addresses), o.Mode), times: target.NewTimes(o.StatusEvery, addresses),
		answers: make(chan *nsq.ProducerTransaction),
	}
	for _, a := range addresses {
		p, err := nsq.NewProducer(a, config)
		if err != nil {
			return nil, err
		}
		d.producers = append(d.producers, p)
	}
	for range d.producers {
		d.answering.Go(d.answer)
	}
	return d, nil
}

// publish sends a body to one destination; m is answered when that answers.
func (d *destinations) publish(topic string, body []byte, m *nsq.Message) error {
	i, start := d.pool.Pick(), time.Now()
	m.DisableAutoResponse()
	err := d.producers[i].PublishAsync(topic, body, d.answers, i, start, m)
	if err != nil {
		d.done(i, start, m, err)
	}
	return err // which is logged
}

// answer answers messages with what their destinations say.
func (d *destinations) answer() {
	for t := range d.answers {
		d.done(t.Args[0].(int), t.Args[1].(time.Time), t.Args[2].(*nsq.Message), t.Error)
	}
}

func (d *destinations) done(i int, start time.Time, m *nsq.Message, err error) {
	took := time.Since(start)
	d.pool.Done(i, took, err)
	d.times.Add(i, took)
	if err != nil {
		m.Requeue(-1)
		return
	}
	m.Finish()
}

// stop ends the producers. No message is published any more.
func (d *destinations) stop() {
	for _, p := range d.producers {
		p.Stop()
	}
	close(d.answers)
	d.answering.Wait()
}
