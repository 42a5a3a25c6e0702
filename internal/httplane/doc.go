// Package httplane is a short way through an HTTP server for requests that come by
// the million: POSTs in the most common form whose answer is OK.
//
// Why: of what a small publish over a kept-alive connection costs in net/http, more
// than half goes into making a request and a response of it, into a goroutine that
// watches the connection meanwhile, and into deadlines. What remains here is what the
// system must do: read, the action, write. Publishes of 200 bytes over eight
// connections cost nsqd 45 s of CPU per million through net/http, 19 by the lane, of
// which three quarters are these system calls, and 20 over TCP, one at a time.
// Over one connection, where the process sleeps in between, it is 94 and 27.
//
// How: net/http serves a connection whose Read answers requests by itself, in the
// memory that net/http reads into, and returns when there is one that is not for the
// lane. So there is one owner of the connection, who accepts, tracks and closes it, and
// an idle one costs what it costs in net/http.
//
//	   Read of net/http
//	          │  ┌────────────────────────────────────┐
//	          ▼  ▼                                    │
//	ours: read a head ─ certain ─▶ the lane's ─ OK ─▶ answer
//	          │                        │ no, or refused
//	          │ doubtful               ▼
//	          │                passing: this request's bytes, and no more
//	          ▼                        │ net/http has answered, and is idle
//	theirs, for good                   └─▶ ours
//
// A head is certain if nothing in it could mean to anybody something else than it does
// here: GET or POST, HTTP/1.1, lines that end in CRLF, printable ASCII, one Host, at
// most one Content-Length, and fields of a list that say nothing about the connection or
// the extent of the request. All else is doubtful: Transfer-Encoding, Expect, Upgrade,
// Connection: close, a field that is not on the list, a continued line. What is doubtful
// is net/http's, and all that follows on this connection: the lane never looks for the
// end of a request that it does not understand in full.
//
// The lane never says anything but OK. Whatever would be refused – by the target, by
// who may use it, by size, by the action – net/http gets as if there was no lane, and
// what it says is said. It never reads beyond a request that it passes, never waits for
// the rest of a head longer than net/http would, and holds memory of its own only while
// the body of a request comes that net/http's buffer has no room for.
package httplane
