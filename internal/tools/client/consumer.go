package client

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/nsqio/go-nsq"
)

// What is wrong with a tool's addresses, in the words of tools.md 1.
var (
	ErrNoSource   = errors.New("--nsqd-tcp-address or --lookupd-http-address required")
	ErrTwoSources = errors.New("use --nsqd-tcp-address or --lookupd-http-address not both")
)

// Sources is where messages come from: certain nsqd, or those that nsqlookupd names.
type Sources struct {
	Nsqds, Lookupds []string
	Access          Access // to Lookupds
}

// Check returns ErrNoSource or ErrTwoSources unless there is one kind of sources,
// and an error for a nsqlookupd that is asked neither over HTTP nor over HTTPS.
func (s Sources) Check() error {
	switch {
	case len(s.Nsqds) == 0 && len(s.Lookupds) == 0:
		return ErrNoSource
	case len(s.Nsqds) > 0 && len(s.Lookupds) > 0:
		return ErrTwoSources
	}
	for _, a := range s.Lookupds {
		if scheme, _, ok := strings.Cut(a, "://"); ok && scheme != "http" && scheme != "https" {
			return fmt.Errorf("--lookupd-http-address error - %q: the scheme is http or https", a)
		}
	}
	return nil
}

// Connect makes a consumer, which has its handlers, receive; keys are those of
// Access. An nsqd that cannot be reached is an error; a nsqlookupd is asked again
// later.
func (s Sources) Connect(k *nsq.Consumer, keys *Keys) error {
	if s.Access != (Access{}) {
		k.SetLookupdHttpClient(&http.Client{Transport: keys})
	}
	if err := k.ConnectToNSQDs(Distinct(s.Nsqds)); err != nil {
		return err
	}
	return k.ConnectToNSQLookupds(s.Lookupds)
}

// Distinct returns the words of a list, each once, in their order.
func Distinct(list []string) []string {
	var once []string
	for _, w := range list {
		if !slices.Contains(once, w) {
			once = append(once, w)
		}
	}
	return once
}

// Stop ends consumers and returns when what they had in flight is answered; the
// library waits 30 s at most.
func Stop(consumers ...*nsq.Consumer) {
	for _, k := range consumers {
		k.Stop()
	}
	for _, k := range consumers {
		<-k.StopChan
	}
}
