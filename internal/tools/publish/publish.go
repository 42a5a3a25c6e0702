package publish

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"time"

	"github.com/nsqio/go-nsq"

	"nsqsuite/internal/tools/client"
	"nsqsuite/protocol"
)

// How far publishing may be ahead of the answers, all nsqd together.
const (
	maxUnanswered = 500      // messages
	maxBytes      = 32 << 20 // of their bodies; one message may exceed it
)

// interruptedWait is how long answers are waited for after an interruption.
const interruptedWait = 5 * time.Second

// Run publishes what in holds until its end, until ctx ends, or until an nsqd
// refuses a message, which is an error.
//
// The goroutine that reads is not waited for: nothing can end a read of stdin.
func Run(ctx context.Context, o *Options, in io.Reader) error {
	if err := o.check(); err != nil {
		return err
	}
	if !protocol.ValidName(o.Topic) {
		return fmt.Errorf("invalid topic name %q", o.Topic)
	}
	config, err := o.Producer.Config("to_nsq")
	if err != nil {
		return err
	}
	s := &sender{topic: o.Topic, answers: make(chan *nsq.ProducerTransaction, maxUnanswered)}
	defer s.stop()
	for _, address := range client.Distinct(o.Nsqds) {
		p, err := nsq.NewProducer(address, config)
		if err != nil {
			return err
		}
		s.producers = append(s.producers, p)
	}
	if len(s.producers) > maxUnanswered {
		return fmt.Errorf("more than %d nsqd", maxUnanswered)
	}
	if o.Rate > 0 {
		log.Printf("Throttling messages rate to max:%d/second", o.Rate)
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	pieces, failed := read(ctx, in, o.Delimiter[0])
	if err := s.sendAll(ctx, pieces, newPace(o.Rate)); err != nil {
		return err
	}
	select {
	case err := <-failed:
		return err
	default:
		return nil
	}
}

// read returns the pieces of in, without empty ones, until its end, an error,
// which is in failed by the time that pieces ends, or the end of ctx.
func read(ctx context.Context, in io.Reader, delimiter byte) (pieces <-chan []byte, failed <-chan error) {
	out, errs := make(chan []byte), make(chan error, 1)
	go func() {
		defer close(out)
		r := bufio.NewReaderSize(in, 64<<10)
		for {
			piece, err := r.ReadBytes(delimiter)
			if piece = bytes.TrimSuffix(piece, []byte{delimiter}); len(piece) > 0 {
				select {
				case out <- piece:
				case <-ctx.Done():
					return
				}
			}
			if err != nil {
				if !errors.Is(err, io.EOF) {
					errs <- fmt.Errorf("reading the input: %w", err)
				}
				return
			}
		}
	}()
	return out, errs
}

// sender publishes to all nsqd and keeps account of the answers.
type sender struct {
	topic      string
	producers  []*nsq.Producer
	answers    chan *nsq.ProducerTransaction // has room for all unanswered
	unanswered int
	bytes      int
}

// sendAll publishes pieces until their end or that of ctx, and waits for the answers.
func (s *sender) sendAll(ctx context.Context, pieces <-chan []byte, pace *pace) error {
	for {
		next := pieces
		if s.unanswered+len(s.producers) > maxUnanswered || s.bytes >= maxBytes {
			next = nil
		}
		select {
		case <-ctx.Done():
			return s.settle(time.After(interruptedWait))
		case t := <-s.answers:
			if err := s.take(t); err != nil {
				return err
			}
		case piece, ok := <-next:
			if !ok {
				return s.settle(nil)
			}
			if !pace.wait(ctx) {
				continue
			}
			if err := s.send(piece); err != nil {
				return err
			}
		}
	}
}

func (s *sender) send(piece []byte) error {
	for _, p := range s.producers {
		if err := p.PublishAsync(s.topic, piece, s.answers, p.String(), len(piece)); err != nil {
			return fmt.Errorf("publishing to %s: %w", p, err)
		}
		s.unanswered++
		s.bytes += len(piece)
	}
	return nil
}

// take takes an answer.
func (s *sender) take(t *nsq.ProducerTransaction) error {
	s.unanswered--
	s.bytes -= t.Args[1].(int)
	if t.Error != nil {
		return fmt.Errorf("publishing to %s: %w", t.Args[0], t.Error)
	}
	return nil
}

// settle waits for all answers that are due, until the end of patience.
func (s *sender) settle(patience <-chan time.Time) error {
	for s.unanswered > 0 {
		select {
		case t := <-s.answers:
			if err := s.take(t); err != nil {
				return err
			}
		case <-patience:
			return fmt.Errorf("%d messages were not answered", s.unanswered)
		}
	}
	return nil
}

func (s *sender) stop() {
	for _, p := range s.producers {
		p.Stop()
	}
}
