// Package nsqd is the message broker's daemon. It ties together what its rooms
// do: options and listeners here, topics and channels in broker, clients in
// session, HTTP in api, the connections to nsqlookupd in lookup, and what the
// daemon tells of itself in latency and statsd.
package nsqd
