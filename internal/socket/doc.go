// Package socket reads from and writes to non-blocking sockets, and writes to a log's
// pipe, without a word to Go's scheduler. A system call that the scheduler knows of
// wakes its monitor thread if the process was asleep, which then looks around for a
// while: where events come one by one that is a third to a half of what one costs. A
// call that cannot block need not be known.
package socket
