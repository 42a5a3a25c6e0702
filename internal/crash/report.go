package main

import (
	"fmt"
	"io"
	"time"
)

// verdict is what may be wrong with a message.
type verdict string

// The verdicts that fail a run.
const (
	lost       verdict = "lost"
	early      verdict = "early"
	repeated   verdict = "repeated" // finished before, and no kill excuses it
	unexpected verdict = "unexpected"
)

// maxShown is how many faults are told in full.
const maxShown = 20

// report counts messages by their fate; from delivered on once for each channel.
type report struct {
	published, acknowledged, refused, unanswered int
	kills, stops                                 int

	delivered  int
	recovered  int // came though nobody had answered for it
	duplicated int // came again after a kill, as it may
	forgiven   int // lost by a kill or a power loss, as the durability allows
	wrong      map[verdict]int
	shown      []string
}

// fault notes that e must not be.
func (r *report) fault(v verdict, e event, why string) {
	r.wrong[v]++
	if len(r.shown) < maxShown {
		r.shown = append(r.shown, fmt.Sprintf("%s: message %d on channel %d, %s at %s: %s", v, e.Message, e.Channel, e.Kind, e.At.Round(time.Microsecond), why))
	}
}

// ok tells whether every promise was kept.
func (r *report) ok() bool { return len(r.wrong) == 0 }

// print writes the summary.
func (r *report) print(w io.Writer) {
	fmt.Fprintf(w, "  ends        %d by SIGKILL, %d by SIGTERM\n", r.kills, r.stops)
	fmt.Fprintf(w, "  published   %d: %d acknowledged, %d refused, %d unanswered\n", r.published, r.acknowledged, r.refused, r.unanswered)
	fmt.Fprintf(w, "  on %d channels each: %d delivered, %d recovered, %d duplicated within the window", channelsPerTopic, r.delivered, r.recovered, r.duplicated)
	if r.forgiven > 0 {
		fmt.Fprintf(w, ", %d lost as the durability allows", r.forgiven)
	}
	fmt.Fprintf(w, "\n  wrong       %d lost, %d early, %d repeated, %d unexpected\n", r.wrong[lost], r.wrong[early], r.wrong[repeated], r.wrong[unexpected])
	for _, s := range r.shown {
		fmt.Fprintf(w, "  %s\n", s)
	}
}
