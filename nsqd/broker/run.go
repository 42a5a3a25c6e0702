package broker

import (
	"nsqsuite/diskqueue"
	"nsqsuite/protocol"
)

const (
	// MaxRun is how many messages a run has at most.
	MaxRun = 256
	// copyBelow is the frame size in bytes up to which a message on a later
	// attempt is copied whole; of a larger one only the header is.
	copyBelow = 2 << 10
	// chunkSize is the memory in bytes for such copies that a run asks for at a time.
	chunkSize = 16 << 10
)

// Run is a number of messages taken for one consumer at once, as the frames that
// it shall receive. The zero Run is empty and ready for use.
type Run struct {
	bufs   [][]byte
	views  []diskqueue.View
	chunks [][]byte // memory for copies; those before chunk are full
	chunk  int
	joined bool // the last of bufs ends where the chunk's next bytes go
	n      int
	size   int
}

// Buffers returns the frames, back to back. They must be written as they are,
// and are valid until Release.
func (r *Run) Buffers() [][]byte { return r.bufs }

// Len returns the number of messages.
func (r *Run) Len() int { return r.n }

// Size returns the number of bytes.
func (r *Run) Size() int { return r.size }

// Release gives the messages' memory back and empties the run.
func (r *Run) Release() {
	for i := range r.views {
		r.views[i].Release()
	}
	clear(r.bufs)
	r.bufs, r.views = r.bufs[:0], r.views[:0]
	for i := range r.chunks {
		r.chunks[i] = r.chunks[i][:0]
	}
	r.n, r.size, r.chunk, r.joined = 0, 0, 0, false
}

// copy returns a copy of p in memory of the run's own.
func (r *Run) copy(p []byte) []byte {
	for r.chunk < len(r.chunks) && len(r.chunks[r.chunk])+len(p) > cap(r.chunks[r.chunk]) {
		r.chunk++
		r.joined = false
	}
	if r.chunk == len(r.chunks) {
		r.chunks = append(r.chunks, make([]byte, 0, chunkSize))
	}
	c := &r.chunks[r.chunk]
	*c = append(*c, p...)
	return (*c)[len(*c)-len(p):]
}

// addFresh adds the messages i to j-1 of v, handed out for the first time: they go as they lie.
func (r *Run) addFresh(v *diskqueue.View, i, j int) {
	frames := v.Bytes(i, j)
	r.bufs = append(r.bufs, frames)
	r.views = append(r.views, v.Slice(i, j))
	r.joined = false
	r.n += j - i
	r.size += len(frames)
}

// addAgain adds message i of v with another number of attempts in its header.
func (r *Run) addAgain(v *diskqueue.View, i int, attempts uint16) {
	frame := v.Bytes(i, i+1)
	r.n++
	r.size += len(frame)
	own := frame
	if len(frame) > copyBelow {
		own = frame[:protocol.MessageFrameHeaderSize]
	}
	own = r.copy(own)
	protocol.SetMessageAttempts(own, attempts)
	if last := len(r.bufs) - 1; r.joined {
		r.bufs[last] = r.bufs[last][:len(r.bufs[last])+len(own)]
	} else {
		r.bufs = append(r.bufs, own)
		r.joined = true
	}
	if len(frame) > copyBelow {
		r.bufs = append(r.bufs, frame[protocol.MessageFrameHeaderSize:])
		r.views = append(r.views, v.Slice(i, i+1))
		r.joined = false
	}
}
