package archive

import (
	"context"
	"errors"
	"os"
	"regexp"
	"slices"
	"sync"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/logging"
	"nsqsuite/internal/tools/client"
)

// archive is all topics.
type archive struct {
	o       *Options
	log     *logging.Logger
	keys    *client.Keys
	pattern *regexp.Regexp
	named   []string // topics that were named; none: all that match
	cluster *cluster.Cluster

	topics  map[string]*topic
	running sync.WaitGroup
	failed  chan error
}

// Run writes topics to files until ctx ends or a disk fails, which is an error.
// A value from reopen closes all files; the next message opens one.
func Run(ctx context.Context, o *Options, reopen <-chan os.Signal, log *logging.Logger) error {
	if err := o.Check(nil); err != nil {
		return err
	}
	pattern, err := regexp.Compile(o.Pattern)
	if err != nil {
		return err
	}
	keys, err := o.Access.Load(log)
	if err != nil {
		return err
	}
	token, err := keys.Token()
	if err != nil {
		return err
	}
	a := &archive{
		o: o, log: log, keys: keys, pattern: pattern, topics: map[string]*topic{}, failed: make(chan error, 1),
		cluster: cluster.New(cluster.Config{
			Lookupds: o.Lookupds, ConnectTimeout: o.ConnectTimeout, RequestTimeout: o.RequestTimeout, Token: token, TLS: keys.TLS,
		}, logging.Discard()),
	}
	for _, name := range client.Distinct(o.Topics) {
		if pattern.MatchString(name) {
			a.named = append(a.named, name)
		} else {
			log.Warnf("skipping topic %s (doesn't match pattern %s)", name, o.Pattern)
		}
	}
	if len(o.Topics) > 0 && len(a.named) == 0 {
		return errors.New("no --topic matches --topic-pattern")
	}
	ctx, end := context.WithCancel(ctx)
	defer a.running.Wait()
	defer end()
	if err := a.refresh(ctx); err != nil {
		return err
	}
	refresh := time.NewTicker(o.Refresh)
	defer refresh.Stop()
	for {
		select {
		case <-ctx.Done():
			return a.end()
		case err := <-a.failed:
			return err
		case <-reopen:
			for _, t := range a.topics {
				select {
				case t.reopen <- struct{}{}:
				default: // it is asked to already
				}
			}
		case <-refresh.C:
			a.refresh(ctx) //nolint:errcheck // it is logged, and tried again
		}
	}
}

// end waits for all topics to have closed their files.
func (a *archive) end() error {
	a.running.Wait()
	select {
	case err := <-a.failed:
		return err
	default:
		return nil
	}
}

// refresh starts the topics that are missing. If topics were named and none of
// them is running now, the last one's error is returned.
func (a *archive) refresh(ctx context.Context) error {
	var last error
	for _, name := range a.wanted(ctx) {
		if a.topics[name] != nil {
			continue
		}
		t, err := newTopic(a.o, name, a.keys, a.log)
		if err != nil {
			a.log.Errorf("couldn't create logger for new topic %s: %s", name, err)
			last = err
			continue
		}
		a.topics[name] = t
		a.running.Go(func() {
			if err := t.run(ctx); err != nil {
				select {
				case a.failed <- err:
				default: // the first one ends the program
				}
			}
		})
	}
	if len(a.named) == 0 || len(a.topics) > 0 {
		return nil
	}
	return last
}

// wanted returns the topics that are to be written.
func (a *archive) wanted(ctx context.Context) []string {
	if len(a.named) > 0 {
		return a.named
	}
	names, warnings, err := a.cluster.Topics(ctx)
	switch {
	case err != nil:
		a.log.Errorf("could not retrieve topic list: %s", err)
	case len(warnings) > 0: // topics are only ever added, so an incomplete list is welcome
		a.log.Warnf("could not retrieve topic list: %s", warnings.Message())
	}
	return slices.DeleteFunc(names, func(name string) bool { return !a.pattern.MatchString(name) })
}
