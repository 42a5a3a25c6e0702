// Package redrive moves the messages that wait in a channel to another topic of
// the same node: those that nobody could handle back to where they came from,
// for instance.
//
// A redrive is a consumer of the channel that belongs to the daemon. It takes
// some messages, publishes their bodies to the topic all at once, and finishes
// them when that has succeeded. So none is lost, whatever comes between; one that
// was published but not finished when the process died is in both places. What
// cannot be published goes back and ends the redrive.
//
// It moves at most as many messages as waited when it began, and none that was
// published since, so that it ends even if it moves them into the channel's own
// topic. It takes from a paused channel too: pausing is how consumers are kept
// away from what is to be moved.
//
// There is one redrive a channel. What is known of it lasts until the next one,
// the channel's end or the process's; a restart does not resume it.
package redrive
