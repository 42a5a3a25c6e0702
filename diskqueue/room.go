package diskqueue

// Room is memory for one record whose body is still to come: who reads a large body
// straight into it spares the append a copy. Its methods are not safe for concurrent use.
type Room struct {
	block *block
	head  int
	size  int
}

// NewRoom returns a room for a header and a body of so many bytes, for any log with
// this budget. It must be released in the end, whether it was appended or not.
func NewRoom(header, body int, budget *Budget) *Room {
	return &Room{newBlock(0, header+body, budget), header, body}
}

// Body returns where the body goes. It must not be changed once it is appended.
func (r *Room) Body() []byte { return r.block.buf[r.head : r.head+r.size] }

// Release gives the room back; a log that it was appended to keeps its own hold on it.
func (r *Room) Release() {
	r.block.release()
	r.block = nil
}

// stageRoom is stage for the one record that t.Room has the body of: its block
// becomes one of the log's.
func (l *Log) stageRoom(t Terms, record *Record) error {
	size := t.Room.head + t.Room.size
	if size >= maxBatchBody/2 {
		return ErrTooLarge
	}
	b := t.Room.block
	b.retain()
	b.first, b.base = l.end.Load(), l.total
	l.o.PutHeader(b.buf[:t.Room.head], b.first, t.at(record), record)
	p := piece{block: b, first: b.first, ends: append(b.ends, uint32(size))}
	if record.Delay != 0 {
		p.dues = append(b.dues, due{at: t.due(record)})
	}
	l.pieces = append(l.pieces[:0], p)
	return nil
}
