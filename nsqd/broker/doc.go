// Package broker is the core of nsqd: topics, channels, subscriptions, and what
// becomes of a message between its publish and its finish. It knows no socket,
// no HTTP, no flag and no file path.
//
// # A channel is a cursor
//
// A topic is a log (package diskqueue). A message is encoded once, at publish,
// into the very frame that consumers receive, and stored as a record. A channel
// owns no messages. It has
//
//   - next, the offset of the first message it has never handed out, and
//   - what it owes: messages that are in flight, ready again, or deferred.
//
// Below next, what is not owed is finished. At and above next, what is owed is
// deferred (or was, and waits for the cursor to pass it); the rest has never
// been touched. So a message is in exactly one place, slot.state says in which,
// and Channel.move is the only code that changes it.
//
// Owed messages lie in pages: neighbours in the log, at most pageSize of them,
// with a counted reference to their bytes. The ID of a message is its offset
// with the node's number on top, so looking one up is arithmetic and a search
// among pages, and a page whose messages are all finished is gone: a million
// finished messages cost nothing, one stuck message costs a page.
//
// # Time
//
// Each page knows the earliest due time in it, a channel has its pages in a heap
// by that, and one timer armed for the first of them. In flight, TOUCH, REQ and
// DPUB are the same mechanism. Nothing comes early; a timer's slack late.
// Due times count on the monotonic clock; the log and the journal, which must tell
// them to the next process, have them on the wall clock, and clock.go remembers its
// steps. So a step moves none, but for those that a restart finds from before it.
//
// # Waking
//
// A subscription whose Receive found nothing is idle, and parked if it could take
// a message. Who makes something available takes one off the parked list, first
// in first out, and wakes it; a subscription that leaves something behind wakes
// the next. Nobody is taken off that list without being woken. The publisher
// first makes the message visible and then looks for parked subscriptions, the
// subscription first parks and then looks for messages, so none is overlooked. A
// mover (Consumer.Mover) is never parked: it has no use for what comes later.
//
// # Holding
//
// A topic that is paused, or has no channel, holds: its channels may not read
// beyond the offset where that began, and the first channel begins there. If that
// is an ephemeral one whose consumers leave before they have finished what was
// held, the topic holds the rest again: an onlooker destroys nothing.
//
// # Taking over
//
// Messages from elsewhere go into the log like any other, with the timestamps
// they had and, in their frame, the attempts. What belongs to one channel alone is
// a range of offsets that every other channel skips: a few numbers, dropped when
// its cursor passes them. The journal says before it begins from where on all is
// provisional, and by one rewrite that it is done.
//
// # What survives
//
// The journal beside a topic's log tells cursors and owed messages. It is
// written when something changed, at most every Config.SyncTimeout, and at Close,
// and holds only what changed. After a crash a channel resumes where the journal
// says: what was finished since may come again, none is lost.
//
// # Locks
//
// Order: Broker.mu → Topic.mu → Channel.mu → the log's. Wake and Close of a
// consumer, Config.Changed and the log's disk access run under none of them,
// except that a topic's creation and removal are serialised by Broker.lifecycle.
package broker
