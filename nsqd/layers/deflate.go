package layers

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"

	"github.com/klauspost/compress/flate"
)

// deflateAhead is how many bytes are read at once.
const deflateAhead = 4 << 10

// StartDeflate puts raw deflate over what there is, with a level of 1 to 9 for what is written.
func (c *Conn) StartDeflate(level int) {
	c.packer = &deflate{level: level}
	c.reader = flate.NewReaderOpts(bufio.NewReaderSize(c.below(), deflateAhead), flate.WithPartialBlock())
}

// compressors are those not in use, by level.
var compressors [flate.BestCompression + 1]sync.Pool

// maxHeld is how many compressors connections may hold between writes, all
// connections together. More are borrowed for each write.
const maxHeld = 64

// held is how many compressors are not in compressors.
var held atomic.Int32

// deflate is the writing side: one stream, flushed after each pack.
type deflate struct {
	level int
	w     *flate.Writer // nil while resting
	out   *bufio.Writer // where the pack under way goes
	packs int           // since the last rest
}

// Write is where the compressor writes to.
func (d *deflate) Write(p []byte) (int, error) { return d.out.Write(p) }

func (d *deflate) pack(out *bufio.Writer, bufs net.Buffers) error {
	if err := d.wake(); err != nil {
		return err
	}
	d.packs++
	d.out = out
	defer func() { d.out = nil }()
	for _, p := range bufs {
		if _, err := d.w.Write(p); err != nil {
			return err
		}
	}
	if err := d.w.Flush(); err != nil {
		return err
	}
	if held.Load() > maxHeld {
		d.free()
	}
	return nil
}

// wake makes sure that there is a compressor.
func (d *deflate) wake() (err error) {
	if d.w != nil {
		return nil
	}
	if w, ok := compressors[d.level].Get().(*flate.Writer); ok {
		w.Reset(d)
		d.w = w
	} else if d.w, err = flate.NewWriter(d, d.level); err != nil {
		return err
	}
	held.Add(1)
	return nil
}

func (d *deflate) rest() {
	if d.packs <= 1 {
		d.free()
	}
	d.packs = 0
}

func (d *deflate) free() {
	if d.w != nil {
		d.w.Reset(nil)
		compressors[d.level].Put(d.w)
		d.w = nil
		held.Add(-1)
	}
}
