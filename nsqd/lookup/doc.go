// Package lookup is nsqd as a client of nsqlookupd (nsqd-http-and-config.md
// part 5): it keeps one connection to each nsqlookupd, over which it tells which
// topics and channels this nsqd has, and asks them which channels a new topic
// shall begin with.
//
// Each peer has a loop of its own, so one that does not answer delays nobody. A
// peer that was away is told everything anew when it is back; what happened in
// between need not be remembered.
package lookup
