// Package upstream reads and writes the disk queue files of upstream's nsqd, for
// moving in and out (protocol.md 16). It knows how records are framed, and
// nothing of what is in them.
//
// # The files
//
// A queue is a topic's or a channel's, see QueueName. All queues lie in one folder:
//
//	‹queue›.diskqueue.000000.dat      data, numbered from 0, at least six digits
//	‹queue›.diskqueue.000000.dat.bad  data that upstream has given up
//	‹queue›.diskqueue.meta.dat        where reading and writing stand
//	‹queue›.diskqueue.meta.dat.‹…›.tmp  the same, while it is written
//
// The metadata are lines of decimal numbers:
//
//	‹depth› LF ‹read file›,‹read position› LF ‹write file›,‹write position› LF
//
// A data file is records back to back, without checksums:
//
//	0  4  n, big endian: length of the payload, at least 26
//	4  n  payload: a message, see protocol.DecodeMessage
//
// # What is unread
//
// The metadata are as old as the last sync, so they are a lower bound: unread is
// everything from the read position to the real end of the last file, whatever
// the depth and the write position say. Without metadata it is everything there
// is. A file with a number below the read file's was read and only not removed.
// What was read after the last sync comes again; nothing that can be found is lost.
//
// A length that cannot be, or a record that its file is too short for, ends a
// file; the next one is read all the same. Longer records than upstream would
// take are read up to MaxPayload.
//
// Salvaging goes further: it reads ".bad" files too, and behind a damaged place
// looks for bytes that look like two records in a row (or one that ends its
// file). Messages come again then that were finished long ago.
package upstream
