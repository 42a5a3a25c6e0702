// Package diskqueue is an append-only log of records, one per topic: it stores
// bytes, counts them, keeps the newest ones in memory and all of them on disk,
// and gives them back by offset to any number of readers. It knows no NSQ: what
// a record means, who has read it and when it may go is its owner's business.
//
// # Offsets
//
// A record has an offset, a uint64 that grows by one per record and is never
// given out twice in the life of a log, so that an owner can use it as an
// identifier. Offsets may jump (a log that was not closed in order starts again
// well above anything it can have handed out, see Options.NextOffset); a range
// that holds no record is a gap, and Count knows them all.
//
// # In memory
//
// Records lie back to back in blocks. A block starts at 512 bytes and each next
// one doubles up to 256 KiB, so that an idle log costs little and a busy one
// writes long runs; a record larger than that has a block of its own. A block is
// never moved or resized. A View is a counted reference to some records of one
// block: the bytes under it stay as they are until it is released. At most
// Options.MemRecords records stay resident; readers further behind get blocks
// read back from disk, and readers near each other share them.
//
// # On disk
//
// A log is a folder. A segment is a file named by the offset of its first record
// in 16 hex digits, ".log" behind. It begins with a header of 40 bytes, integers
// little endian:
//
//	 0  8  magic "nsqlog" 0x00 0x01
//	 8  8  offset of the first record
//	16  8  offset of the first record of the segment before, its own if there is none …
//	24  8  … and after the last record of that
//	32  4  salt: a random number, new for each use of the file
//	36  4  CRC-32C of the 36 bytes above
//
// Then follow batches, each written by one call before its append returns
// (durability write and fsync) or when memory is full (durability memory):
//
//	 0  4  salt of the segment
//	 4  4  CRC-32C of everything below
//	 8  4  n: number of bytes below the batch header
//	12  4  count of records, flags in the top byte (bit 0: due times present)
//	16  8  offset of the first record
//	24     batch header ends; count × 4 bytes: length of each record
//	       count × 8 bytes: due time of each record, Unix ns, only with bit 0
//	       the records, back to back
//
// A batch never crosses a segment, and its records never cross a block. The salt
// keeps what an earlier use of a file left behind from being taken for new, and
// is what a reader searches for to find its place again behind damage.
//
// # What holds
//
//   - A record is visible to readers only after its write succeeded. A failed
//     append leaves nothing behind; the next one writes over it.
//   - On open only the last segment is read. Its torn tail is cut off. A damaged
//     batch is skipped, counted, and its bytes are kept aside in a file ending
//     in ".bad"; every intact batch before and after it stays readable.
//   - A segment is removed when the owner needs none of its records, whatever
//     stands before or behind it. Its file is used for the next segment if it
//     can: writing into pages that exist costs a third.
//   - A failed fsync is final for its segment: nothing is appended to it again.
//
// # Locks
//
// Log.writing serialises appends, rolls and spills and is held across writes to
// the disk, and while the owner is asked what it needs. Log.mu guards what readers look at and is never held across disk
// access. A reader that must go to disk holds Log.loading, so that two that want
// the same block read it once. Order: writing → loading → mu → Store.mu.
package diskqueue
