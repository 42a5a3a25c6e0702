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
// held, the topic holds the rest again: an onlooker destroys nothing. While a topic
// has only ephemeral channels the journal tells that it holds what these have not
// finished, so that a restart gives the rest, and not what was finished, to others.
//
// # Limits
//
// A topic's limits hold for what it holds and, besides a channel's own, for what
// each of its channels owes: since channels share the log, that bounds the log. What
// counts is all that is owed, waiting, in flight or deferred. While a topic
// holds, what is behind the hold is its own and counts for no channel.
//
// A limit that rejects is asked with the log's writing lock held (Topic.admit), so
// publishers side by side cannot pass it together; all of a publish fits or none does.
// A limit that drops costs a publisher nothing. Whoever looks at the channel first
// has it drop what is too much (Channel.shed): the oldest by offset, be it waiting or
// deferred, but never in flight. New messages go by moving the cursor, so that a
// backlog of any size is one step; owed ones page by page, a bounded number at a
// time. Messages too old are found where they would be handed out, and by tend,
// block by block. Dropped is as finished: the journal learns it at the next
// checkpoint. A volatile channel that looks on at what its topic held drops nothing
// of that.
//
// Bytes are those of the frames. From the cursor on they are the log's (diskqueue.Log.Bytes);
// below it messages are taken to be as large as the log's records there on average.
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
// Order: Broker.mu → Topic.mu → the log's writing lock → Channel.mu → the log's
// others. Wake and Close of a consumer, Config.Changed and the log's disk access run
// under none of them but the log's own, except that a topic's creation and removal
// are serialised by Broker.lifecycle.
package broker
