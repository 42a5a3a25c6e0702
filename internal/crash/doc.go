// Command crash proves, or refutes, that nsqd loses nothing that it acknowledged.
// It is `make crash`.
//
// It runs the real program in many short lives. In each, publishers (PUB, MPUB
// and DPUB, pipelined; /pub and /mpub) and consumers (FIN, REQ at once and later,
// TOUCH, letting time out, hanging up) are attached; then the process is killed,
// or now and then stopped in order, at a moment that the dice choose, even while
// it starts. A last life is left alone until everything has come. Each event goes
// to a checker (check.go), which gives a verdict on each message and channel.
//
// # What is promised, and so checked
//
//   - What got an OK is delivered on every channel until it is finished. With
//     durability memory, only if no kill came between; with write and fsync, always.
//   - What was finished, and the finish processed, does not come again – unless a
//     kill came within the window: the checkpoint interval and some grace.
//   - A message published with a delay never comes before its time, whatever
//     happens. So does one requeued with a delay, and one touched does not come
//     before its time-out, unless a kill came within the window or, for TOUCH, the
//     process or the connection ended.
//   - Nothing comes that was never published, was refused, or is altered.
//
// With --power the end is that of an ext4 file system too: what was not on its
// disk is gone. Then durability write may lose what was published within the window.
//
// What was published and not answered may come (it is "recovered") or not.
//
// A consumer knows what nsqd has processed by a barrier: a TOUCH of an ID that
// does not exist, whose error comes after everything before it was carried out.
//
// All choices are made by the seed. When the processes' threads run is not, so a
// failure may need several runs to come again; --history keeps every event.
package main
