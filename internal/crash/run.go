package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"nsqsuite/internal/process"
	"nsqsuite/protocol"
)

const (
	topics     = 2
	publishers = 2 // by each of TCP and HTTP
	consumers  = 2 // of each channel
	// longEvery is how often a life is long enough for its end to forget only its end.
	longEvery = 16
	lastWait  = 60 * time.Second
	ownNode   = "--node-id=5" // not 0, so that no message ID is as small as a barrier's
)

// config is what main's flags say.
type config struct {
	Program    string
	Dir        string
	Disk       *disk // what Dir is on, to cut the power instead of killing; or nil
	Durability string
	Cycles     int
	Time       time.Duration // 0: no bound
	Seed       uint64
	Life       time.Duration
	Messages   int
	Sync       time.Duration
	Grace      time.Duration
	MsgTimeout time.Duration
	History    io.Writer // or nil
	Progress   func(cycle int, r *recorder)
}

// runner leads nsqd through its lives.
type runner struct {
	config
	dice     *rand.Rand
	recorder *recorder
	names    [topics]string

	mu    sync.Mutex
	conns int
}

// run does all cycles, then lets everything come, and returns the verdict. The
// error says that it could not come to one.
func run(ctx context.Context, c config) (*report, error) {
	r := &runner{config: c, dice: rand.New(rand.NewPCG(c.Seed, 0))}
	r.recorder = newRecorder(c.promise(), c.History)
	for i := range r.names {
		r.names[i] = fmt.Sprintf("topic%d", i)
	}
	if err := r.prepare(); err != nil {
		return nil, err
	}
	for cycle := range c.Cycles {
		if ctx.Err() != nil || c.Time > 0 && r.recorder.now() > c.Time {
			break
		}
		if err := r.cycle(ctx, cycle); err != nil {
			return nil, fmt.Errorf("cycle %d: %w", cycle, err)
		}
		if c.Progress != nil {
			c.Progress(cycle+1, r.recorder)
		}
	}
	if err := r.finish(); err != nil {
		return nil, fmt.Errorf("the last life: %w", err)
	}
	return r.recorder.verdict(), nil
}

// promise returns what nsqd promises under this configuration.
func (c *config) promise() promise {
	p := promise{Loses: -1, Vague: c.Disk != nil, Window: c.Sync + c.Grace, MsgTimeout: c.MsgTimeout}
	switch {
	case c.Durability == "memory":
		p.Loses = math.MaxInt64
	case c.Durability == "write" && c.Disk != nil:
		p.Loses = p.Window
	}
	return p
}

func (r *runner) start() (*process.Process, error) {
	p, err := process.Start(r.Program, ownNode, "--data-path="+r.Dir, "--durability="+r.Durability,
		"--sync-timeout="+r.Sync.String(), "--msg-timeout="+r.MsgTimeout.String(),
		"--mem-queue-size=100", "--max-bytes-per-file=262144")
	if p != nil {
		p.Quiet = barrierError
	}
	return p, err
}

// prepare makes the topics and channels in a life of its own, which is killed: they
// are there when nsqd has said so. Not yet in a power loss, for durability write.
func (r *runner) prepare() error {
	p, err := r.start()
	if err != nil {
		return err
	}
	defer p.Kill()
	if err := p.Ready(); err != nil {
		return err
	}
	for _, topic := range r.names {
		paths := []string{"/topic/create?topic=" + topic}
		for channel := range channelsPerTopic {
			paths = append(paths, "/channel/create?topic="+topic+"&channel="+channelName(channel))
		}
		for _, path := range paths {
			if err := post("http://" + p.HTTP + path); err != nil {
				return err
			}
		}
	}
	if r.Disk != nil {
		return p.Stop()
	}
	return nil
}

func channelName(channel int) string { return fmt.Sprintf("channel%d", channel) }

func post(url string) error {
	resp, err := http.Post(url, "", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("POST %s: status %d", url, resp.StatusCode)
	}
	return nil
}

// cycle is one life and its end.
func (r *runner) cycle(ctx context.Context, cycle int) error {
	p, err := r.start()
	if err != nil {
		return err
	}
	length := time.Duration(r.dice.Int64N(int64(r.Life)))
	kill := r.dice.IntN(5) > 0
	if r.Durability == "memory" {
		kill = r.dice.IntN(8) == 0
	}
	var busy sync.WaitGroup
	switch {
	case kill && r.dice.IntN(10) == 0: // while it starts
		length = min(length, r.Life/10)
	default:
		if err := p.Ready(); err != nil {
			return err
		}
		if cycle%longEvery == longEvery/2 {
			length += r.Sync + r.Grace
		}
		r.attach(ctx, &busy, p)
	}
	select {
	case <-ctx.Done(): // the end of this life is the last one's
	case <-time.After(length):
	}
	return r.end(p, kill, &busy)
}

// end ends a life, and returns when all that it had attached has gone.
func (r *runner) end(p *process.Process, kill bool, busy *sync.WaitGroup) error {
	e := event{At: r.recorder.now(), Kind: killed}
	var err error
	switch {
	case kill && r.Disk != nil:
		err = r.Disk.cut(p)
	case kill:
		p.Kill()
	default:
		e.Kind = stopped
		err = p.Stop()
	}
	busy.Wait()
	r.recorder.add(e)
	if r.Disk == nil {
		return errors.Join(err, sound(p))
	}
	if kill && err == nil {
		err = r.Disk.back()
	}
	return err // what the power took of unanswered messages may look like damage
}

// attach starts publishers and consumers; sometimes there are none of one kind.
func (r *runner) attach(ctx context.Context, busy *sync.WaitGroup, p *process.Process) {
	if r.dice.IntN(8) > 0 {
		for range publishers {
			tcp, http := r.publisher(), r.publisher()
			busy.Go(func() { tcp.overTCP(ctx, p.TCP) })
			busy.Go(func() { http.overHTTP(ctx, p.HTTP) })
		}
	}
	if r.dice.IntN(8) > 0 {
		r.consume(ctx, busy, p, false)
	}
}

func (r *runner) publisher() *publisher {
	return &publisher{recorder: r.recorder, dice: r.newDice(), topics: r.names[:], left: r.Messages / (2 * publishers)}
}

func (r *runner) newDice() *rand.Rand { return rand.New(rand.NewPCG(r.Seed, 1+r.dice.Uint64N(1<<62))) }

func (r *runner) consume(ctx context.Context, busy *sync.WaitGroup, p *process.Process, last bool) {
	for topic := range topics {
		for channel := range channelsPerTopic {
			for range consumers {
				c := &consumer{
					recorder: r.recorder, dice: r.newDice(), nextConn: r.nextConn, last: last,
					topic: topic, channel: channel, names: [2]string{r.names[topic], channelName(channel)},
				}
				busy.Go(func() { c.run(ctx, p.TCP) })
			}
		}
	}
}

func (r *runner) nextConn() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.conns++
	return r.conns
}

// finish is the last life: it is left alone until all channels are empty, and
// then as long again as what must not come would need to.
func (r *runner) finish() error {
	p, err := r.start()
	if err != nil {
		return err
	}
	if err := p.Ready(); err != nil {
		return err
	}
	var busy sync.WaitGroup
	r.consume(context.Background(), &busy, p, true)
	deadline := time.After(lastWait)
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for left := -1; left != 0; {
		select {
		case <-poll.C:
		case <-deadline:
			p.Kill()
			busy.Wait()
			return fmt.Errorf("%d messages are stuck on their channels for %s\n%s", left, lastWait, p)
		}
		if left, err = owed(p.HTTP); err != nil {
			return err
		}
	}
	<-time.After(r.MsgTimeout + maxRequeue)
	return r.end(p, false, &busy)
}

// owed returns how many messages nsqd says are not finished, over all channels.
func owed(address string) (messages int, err error) {
	resp, err := http.Get("http://" + address + "/stats?format=json&include_clients=false")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	var stats protocol.Stats
	if err := json.NewDecoder(resp.Body).Decode(&stats); err != nil {
		return 0, fmt.Errorf("reading /stats: %w", err)
	}
	for _, t := range stats.Topics {
		for _, c := range t.Channels {
			messages += int(c.Depth) + int(c.InFlightCount) + int(c.DeferredCount)
		}
	}
	return messages, nil
}
