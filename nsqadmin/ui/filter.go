package ui

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"nsqsuite/nsqadmin/collector"
)

// filter chooses topics by words and terms, all of which must hold. A - before
// one turns it round.
type filter struct {
	Terms []term
	Wrong string // a term that is not understood, taken as part of a name
}

type term struct {
	Text string
	not  bool
	of   func(t *collector.Topic) bool
}

var comparison = regexp.MustCompile(`^([a-z]+)(>=|<=|>|<|=)([0-9.]+)([kM]?)(?:/s)?$`)

// quantities are what a term can compare.
var quantities = map[string]func(t *collector.Topic) float64{
	"depth":     func(t *collector.Topic) float64 { return float64(t.Depth) },
	"disk":      func(t *collector.Topic) float64 { return float64(t.OnDisk) },
	"inflight":  func(t *collector.Topic) float64 { return float64(t.InFlight) },
	"deferred":  func(t *collector.Topic) float64 { return float64(t.Deferred) },
	"channels":  func(t *collector.Topic) float64 { return float64(t.ChannelCount) },
	"consumers": func(t *collector.Topic) float64 { return float64(t.Consumers) },
	"nodes":     func(t *collector.Topic) float64 { return float64(len(t.On)) },
	"rdy":       func(t *collector.Topic) float64 { return float64(t.Ready) },
	"in":        func(t *collector.Topic) float64 { return t.In },
	"out":       func(t *collector.Topic) float64 { return t.Out },
	"requeue":   func(t *collector.Topic) float64 { return t.Rates.Requeued },
	"timeout":   func(t *collector.Topic) float64 { return t.Rates.TimedOut },
}

// conditions are terms of one word.
var conditions = map[string]func(t *collector.Topic) bool{
	"no-consumers": anyChannel(func(c *collector.Channel) bool { return c.Consumers == 0 }),
	"no-channel":   func(t *collector.Topic) bool { return len(t.Channels) == 0 },
	"paused":       func(t *collector.Topic) bool { return t.PausedCount > 0 },
	"growing":      anyChannel(func(c *collector.Channel) bool { return c.State.Word == "Growing" }),
	"stuck":        anyChannel(func(c *collector.Channel) bool { return c.Stuck > 0 }),
	"ephemeral":    func(t *collector.Topic) bool { return strings.HasSuffix(t.TopicName, "#ephemeral") },
	"stale": func(t *collector.Topic) bool {
		return slices.ContainsFunc(t.On, func(o *collector.TopicOn) bool { return o.On.Stale })
	},
}

func anyChannel(holds func(c *collector.Channel) bool) func(t *collector.Topic) bool {
	return func(t *collector.Topic) bool { return slices.ContainsFunc(t.Channels, holds) }
}

func parseFilter(text string) (f filter) {
	for _, word := range strings.Fields(text) {
		t := term{Text: word}
		bare, not := strings.CutPrefix(word, "-")
		if not && bare != "" {
			t.not = true
		} else {
			bare = word
		}
		if condition := conditions[bare]; condition != nil {
			t.of = condition
		} else if node, ok := strings.CutPrefix(bare, "node:"); ok {
			t.of = func(topic *collector.Topic) bool {
				return slices.ContainsFunc(topic.On, func(o *collector.TopicOn) bool { return strings.Contains(o.On.Name+" "+o.On.Address, node) })
			}
		} else if m := comparison.FindStringSubmatch(bare); m != nil && quantities[m[1]] != nil {
			t.of = compares(quantities[m[1]], m[2], m[3], m[4])
		} else {
			if strings.ContainsAny(bare, "<>=:") {
				f.Wrong = word
			}
			part := strings.ToLower(bare)
			t.of = func(topic *collector.Topic) bool { return named(topic, part) }
		}
		f.Terms = append(f.Terms, t)
	}
	return f
}

// named tells whether the topic, or one of its channels, has this in its name.
func named(t *collector.Topic, part string) bool {
	return strings.Contains(strings.ToLower(t.TopicName), part) ||
		slices.ContainsFunc(t.Channels, func(c *collector.Channel) bool { return strings.Contains(strings.ToLower(c.ChannelName), part) })
}

func compares(of func(*collector.Topic) float64, how, digits, unit string) func(*collector.Topic) bool {
	want, err := strconv.ParseFloat(digits, 64)
	if err != nil {
		return func(*collector.Topic) bool { return false }
	}
	want *= map[string]float64{"": 1, "k": 1e3, "M": 1e6}[unit]
	return func(t *collector.Topic) bool {
		v := of(t)
		switch how {
		case ">":
			return v > want
		case "<":
			return v < want
		case ">=":
			return v >= want
		case "<=":
			return v <= want
		}
		return v == want
	}
}

// topics returns the topics that it chooses.
func (f *filter) topics(s *collector.Snapshot) (found []*collector.Topic) {
	for _, t := range s.Topics {
		if !slices.ContainsFunc(f.Terms, func(term term) bool { return term.of(t) == term.not }) {
			found = append(found, t)
		}
	}
	return found
}
