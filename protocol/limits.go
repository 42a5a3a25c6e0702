package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// FeatureLimits is in Info.Features of a nsqd that answers /topic/limits and
// /channel/limits.
const FeatureLimits = "limits"

// Overflow says what becomes of a message that does not fit into a topic or channel.
type Overflow string

// The ways to deal with an overflow.
const (
	// Reject refuses the publish.
	Reject Overflow = "reject"
	// DropOldest makes room: the oldest messages that are not in flight go.
	DropOldest Overflow = "drop-oldest"
)

// String returns the word for it.
func (o Overflow) String() string { return string(o) }

// Set makes it what word says, as for a flag.
func (o *Overflow) Set(word string) error {
	if Overflow(word) != Reject && Overflow(word) != DropOldest {
		return fmt.Errorf("must be %s or %s", Reject, DropOldest)
	}
	*o = Overflow(word)
	return nil
}

// Type is what stands behind a flag's name in --help.
func (o *Overflow) Type() string { return "way" }

// Duration is a time.Duration that JSON has as people write it: "1h30m0s".
type Duration time.Duration

// MarshalJSON is json.Marshaler.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON is json.Unmarshaler.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var word string
	if err := json.Unmarshal(text, &word); err != nil {
		return err
	}
	parsed, err := time.ParseDuration(word)
	*d = Duration(parsed)
	return err
}

// QueueLimits are the limits of a topic or channel; 0 is no limit.
type QueueLimits struct {
	MaxAge   Duration `json:"max_age"` // since the publish
	MaxDepth int64    `json:"max_depth"`
	MaxBytes int64    `json:"max_bytes"`
	Overflow Overflow `json:"overflow"` // of max_depth and max_bytes
}

// Any tells whether there is any limit.
func (l QueueLimits) Any() bool { return l.MaxAge > 0 || l.Sized() }

// Sized tells whether there is a limit that can overflow.
func (l QueueLimits) Sized() bool { return l.MaxDepth > 0 || l.MaxBytes > 0 }

// OwnLimits are the limits that were set for one topic or channel; for what is
// nil the defaults hold.
type OwnLimits struct {
	MaxAge   *Duration `json:"max_age,omitempty"`
	MaxDepth *int64    `json:"max_depth,omitempty"`
	MaxBytes *int64    `json:"max_bytes,omitempty"`
	Overflow *Overflow `json:"overflow,omitempty"`
}

// Over returns the limits that hold where these were set and the others are the defaults.
func (o OwnLimits) Over(l QueueLimits) QueueLimits {
	if o.MaxAge != nil {
		l.MaxAge = *o.MaxAge
	}
	if o.MaxDepth != nil {
		l.MaxDepth = *o.MaxDepth
	}
	if o.MaxBytes != nil {
		l.MaxBytes = *o.MaxBytes
	}
	if o.Overflow != nil {
		l.Overflow = *o.Overflow
	}
	return l
}

var errLimits = errors.New("limits must be 0 or more")

// Check tells what is wrong with the limits, as they may come from a file.
func (o OwnLimits) Check() error {
	l := o.Over(QueueLimits{Overflow: Reject})
	if l.MaxAge < 0 || l.MaxDepth < 0 || l.MaxBytes < 0 {
		return errLimits
	}
	return new(Overflow).Set(string(l.Overflow))
}

// Limited is the answer of nsqd's GET /topic/limits and /channel/limits.
type Limited struct {
	QueueLimits
	// Own are those of the limits that are not the defaults.
	Own OwnLimits `json:"own"`
}

// LimitStats is what a topic or channel in Stats shows if it has limits.
type LimitStats struct {
	QueueLimits
	// Depth and Bytes are what counts against the limits: also messages in flight
	// and deferred; of a topic, what it holds, or its fullest channel has.
	Depth int64 `json:"depth"`
	Bytes int64 `json:"bytes"`
	// RejectedCount, of a topic, is of messages refused because it, or one of its channels, was full.
	RejectedCount uint64 `json:"rejected_count"`
	DroppedCount  uint64 `json:"dropped_count"` // messages that had to make room
	ExpiredCount  uint64 `json:"expired_count"` // messages older than max_age
}

// Share returns which part of the limit that is nearest there is.
func (l *LimitStats) Share() (share float64) {
	if l.MaxDepth > 0 {
		share = float64(l.Depth) / float64(l.MaxDepth)
	}
	if l.MaxBytes > 0 {
		share = max(share, float64(l.Bytes)/float64(l.MaxBytes))
	}
	return share
}
