package cluster

import (
	"errors"
	"fmt"
	"strings"
	"sync"
)

// atOnce is how many requests of one step run at the same time.
const atOnce = 64

// Warnings is what went wrong beside an answer that could be had: one text a step.
type Warnings []string

// Message returns the warnings as the API's message: "" if there are none.
func (w Warnings) Message() string {
	if len(w) == 0 {
		return ""
	}
	return "WARNING: " + strings.Join(w, "; ")
}

// UnreachableError says that a step got no answer: everybody asked has failed,
// or there was nobody to ask.
type UnreachableError struct {
	Who string // nsqlookupd or nsqd
	Err error  // all failures, one a line; nil if there was nobody to ask
}

// Error is the text that the API answers behind UPSTREAM_ERROR.
func (e *UnreachableError) Error() string {
	why := ""
	if e.Err != nil {
		why = e.Err.Error()
	}
	return fmt.Sprintf("failed to query any %s: %s", e.Who, why)
}

// Unwrap returns the failures.
func (e *UnreachableError) Unwrap() error { return e.Err }

// ask puts one question to all targets at the same time. The answers are in the
// targets' order, without those that failed.
func ask[T, A any](who string, targets []T, question func(T) (A, error)) ([]A, Warnings, error) {
	answers := make([]A, len(targets))
	failures := make([]error, len(targets))
	var busy sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for i, target := range targets {
		slots <- struct{}{}
		busy.Go(func() {
			answers[i], failures[i] = question(target)
			<-slots
		})
	}
	busy.Wait()

	had := answers[:0]
	for i, a := range answers {
		if failures[i] == nil {
			had = append(had, a)
		}
	}
	failed := errors.Join(failures...)
	if len(had) == 0 {
		return nil, nil, &UnreachableError{Who: who, Err: failed}
	}
	if failed != nil {
		return had, Warnings{failed.Error()}, nil
	}
	return had, nil, nil
}
