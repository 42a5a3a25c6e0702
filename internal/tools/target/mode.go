package target

import "fmt"

// Mode is how messages are shared out among addresses. It is a pflag.Value.
type Mode string

// The modes.
const (
	RoundRobin    Mode = "round-robin"    // in turn
	HostPool      Mode = "hostpool"       // in turn, passing over those that failed
	EpsilonGreedy Mode = "epsilon-greedy" // so too, and rather the quick ones
	All           Mode = "all"            // each message to every address; not every tool has it
)

// String is pflag.Value.
func (m *Mode) String() string { return string(*m) }

// Type is pflag.Value.
func (m *Mode) Type() string { return "mode" }

// Set is pflag.Value.
func (m *Mode) Set(word string) error {
	switch mode := Mode(word); mode {
	case RoundRobin, HostPool, EpsilonGreedy, All:
		*m = mode
		return nil
	}
	return fmt.Errorf("unknown mode (%s, %s, %s, %s)", RoundRobin, HostPool, EpsilonGreedy, All)
}
