// Package quick makes system calls that come back at once, without telling the Go
// runtime that they may not.
//
// Around an ordinary system call the runtime gives the processor's place to another
// goroutine if the call takes longer than expected, and for that it starts its
// monitor thread if all was idle, which then polls the clock. A message that comes
// alone is all idle's end: with 2,000 messages a second the monitor took a third of
// all the CPU that they cost (1.42 in one run of ordinary against quick calls).
//
// The price is that nobody else takes the place while the call lasts, and that a
// garbage collection waits for its end. So it must be short by its nature:
//
//   - Read and Write are for sockets in non-blocking mode, where a call copies what
//     fits and never sleeps.
//   - Pwritev is for files, and writes quickly only what is small, and only as long as
//     the disk does not make it wait: a write that took longer than slowWrite is the
//     last one for notQuick, in which all go the ordinary way.
//
// Under the race detector all calls are ordinary ones, which it understands.
package quick
