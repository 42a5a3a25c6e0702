// Package session is one client's TCP connection to nsqd: it reads commands,
// carries them out on the broker, and writes answers, messages and heartbeats
// (protocol.md 1 to 9).
//
// A session has at most two goroutines. The reading loop carries out everything
// that it has in its buffer before it waits for more: all publishes there are one
// append to each topic that they are for, and one write of as many OKs (gather.go); a
// burst of FINs, or of REQs, is one step in the channel. Commands that repeat the one
// before take a short way (repeat.go). The writing loop exists only while there is something to write; the
// broker's wake starts it. It takes a run of messages and writes the log's own
// bytes by one call. In a calm stream even that goroutine is spared: who wakes the
// consumer writes a small run itself, as far as the socket takes it at once (now.go).
// When nothing more is ready everything has been written: no
// message waits for a timer or for a buffer to fill.
//
// While nothing comes in, a session holds no buffer: it waits for the socket to
// become readable, and borrows one then, a larger one in a flood. Within a command of
// which little has come, and through layers (package layers), where it cannot wait
// so, it holds a small one. If nothing comes for a moment the session is calm: its
// goroutine ends, and another one waits, which has made no call that is deep. So its
// stack is 2 KiB, where that of a command has 4 or 8 and would keep them.
//
// An upgrade happens between two commands, with Session.writing held from the
// answer to IDENTIFY to the OK through the last layer, so that heartbeats come
// before or after. What had been read ahead is dropped. A later IDENTIFY is
// answered through the layers, and promises no layer that there is already.
//
// Order: answers go out in the order of their commands. What was gathered is
// carried out before anything that is not of its kind, and before the session
// waits. Session.writing orders all that is written.
//
// Errors: a fatal error is written, and the connection closed; commands behind
// it are not carried out, but for publishes that lay in the buffer with one that the
// disk failed: those to other topics may be, and nothing is said of them. Any failure to read or write ends the session.
package session
