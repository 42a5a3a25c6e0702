package protocol

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The four bytes that a client sends first.
const (
	MagicV1 = "  V1" // to nsqlookupd
	MagicV2 = "  V2" // to nsqd
)

// FrameType is the kind of a frame that nsqd sends.
type FrameType int32

// The frame types.
const (
	FrameResponse FrameType = 0
	FrameError    FrameType = 1
	FrameMessage  FrameType = 2
)

// Responses that are not JSON.
const (
	OK        = "OK"
	CloseWait = "CLOSE_WAIT"
	Heartbeat = "_heartbeat_"
)

const (
	// FrameHeaderSize is the number of bytes before a frame's data.
	FrameHeaderSize = 8
	// MessageHeaderSize is the number of bytes of a message record before its body.
	MessageHeaderSize = 26
	// MessageFrameHeaderSize is the number of bytes of a message frame before the body.
	MessageFrameHeaderSize = FrameHeaderSize + MessageHeaderSize

	attemptsAt = FrameHeaderSize + 8
	idAt       = FrameHeaderSize + 10
)

// ErrFrame is returned for frames and records whose sizes make no sense.
var ErrFrame = errors.New("malformed frame")

// AppendFrame appends a frame to dst.
func AppendFrame(dst []byte, t FrameType, data string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(data)+4))
	dst = binary.BigEndian.AppendUint32(dst, uint32(t))
	return append(dst, data...)
}

// ReadFrame reads one frame of at most limit bytes of data. Memory grows with what
// comes, and none is taken for a frame that is larger: that is ErrFrame.
func ReadFrame(r io.Reader, limit int) (FrameType, []byte, error) {
	var head [FrameHeaderSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := int64(int32(binary.BigEndian.Uint32(head[:]))) - 4
	if size < 0 || size > int64(limit) {
		return 0, nil, fmt.Errorf("%w: size %d", ErrFrame, size+4)
	}
	data, err := readData(r, int(size))
	if err != nil {
		return 0, nil, err
	}
	return FrameType(binary.BigEndian.Uint32(head[4:])), data, nil
}

// onTrust is how many bytes are allocated because a peer says that they will come.
const onTrust = 64 << 10

// readData reads size bytes.
func readData(r io.Reader, size int) ([]byte, error) {
	data := make([]byte, min(size, onTrust))
	for have := 0; have < size; {
		n, err := io.ReadFull(r, data[have:])
		if err == io.EOF {
			err = io.ErrUnexpectedEOF // the size came, the data did not
		}
		if err != nil {
			return nil, err
		}
		if have += n; have < size {
			data = append(data, make([]byte, min(have, size-have))...)
		}
	}
	return data, nil
}

// PutMessageHeader writes what precedes the body in a message frame into dst,
// which has MessageFrameHeaderSize bytes. at is in Unix ns.
func PutMessageHeader(dst []byte, bodySize int, at int64, attempts uint16, id uint64) {
	_ = dst[MessageFrameHeaderSize-1]
	binary.BigEndian.PutUint32(dst, uint32(4+MessageHeaderSize+bodySize))
	binary.BigEndian.PutUint32(dst[4:], uint32(FrameMessage))
	binary.BigEndian.PutUint64(dst[8:], uint64(at))
	binary.BigEndian.PutUint16(dst[attemptsAt:], attempts)
	putHex(dst[idAt:], id)
}

// MessageTimestamp returns when the message in a message frame was published, in Unix ns.
func MessageTimestamp(frame []byte) int64 {
	return int64(binary.BigEndian.Uint64(frame[FrameHeaderSize:]))
}

// MessageAttempts returns the number of attempts in a message frame.
func MessageAttempts(frame []byte) uint16 {
	return binary.BigEndian.Uint16(frame[attemptsAt:])
}

// SetMessageAttempts changes the number of attempts in a message frame.
func SetMessageAttempts(frame []byte, attempts uint16) {
	binary.BigEndian.PutUint16(frame[attemptsAt:], attempts)
}

// MessageID is a message's name on the wire: 16 lower-case hex digits.
type MessageID [16]byte

// String returns the digits.
func (id MessageID) String() string { return string(id[:]) }

// NewMessageID returns the ID with this number.
func NewMessageID(n uint64) (id MessageID) {
	putHex(id[:], n)
	return id
}

// ParseMessageID returns the number of an ID; ok is false if it is not made of lower-case hex digits.
func ParseMessageID(id MessageID) (n uint64, ok bool) {
	high, okHigh := eightDigits(binary.BigEndian.Uint64(id[:8]))
	low, okLow := eightDigits(binary.BigEndian.Uint64(id[8:]))
	return high<<32 | low, okHigh && okLow
}

// Hex digits are told and written eight at a time, one in each byte of a word:
// a tenth of the time of a loop with tables, and every message needs both.
const (
	eachByte = 0x0101010101010101
	nibbles  = 0x0f * eachByte
)

// asciiDigits returns the digits of the nibbles in d's bytes.
func asciiDigits(d uint64) uint64 {
	letters := (d + 118*eachByte) >> 7 & eachByte // 1 in each byte that is 10 or more
	return d + '0'*eachByte + letters*('a'-'0'-10)
}

// eightDigits returns the value of eight ASCII digits.
func eightDigits(ascii uint64) (n uint64, ok bool) {
	d := ascii&nibbles + 9*(ascii>>6&eachByte) // letters have bit 6, and their low bits begin at 1
	ok = d&^nibbles == 0 && asciiDigits(d) == ascii
	d = (d | d>>4) & 0x00ff00ff00ff00ff
	d = (d | d>>8) & 0x0000ffff0000ffff
	return (d | d>>16) & 0xffffffff, ok
}

// putHex writes the 16 digits of n.
func putHex(dst []byte, n uint64) {
	_ = dst[15]
	for i, half := range [2]uint64{n >> 32, n & 0xffffffff} {
		d := (half | half<<16) & 0x0000ffff0000ffff
		d = (d | d<<8) & 0x00ff00ff00ff00ff
		d = (d | d<<4) & nibbles
		binary.BigEndian.PutUint64(dst[8*i:], asciiDigits(d))
	}
}

// Message is a message as a consumer receives it, or as a disk has it.
type Message struct {
	ID        MessageID
	Timestamp int64 // of the publish, Unix ns
	Attempts  uint16
	Body      []byte
}

// DecodeMessage splits a message record. The body aliases it.
func DecodeMessage(record []byte) (Message, error) {
	if len(record) < MessageHeaderSize {
		return Message{}, fmt.Errorf("%w: message record of %d bytes", ErrFrame, len(record))
	}
	m := Message{
		Timestamp: int64(binary.BigEndian.Uint64(record)),
		Attempts:  binary.BigEndian.Uint16(record[8:]),
		Body:      record[MessageHeaderSize:],
	}
	copy(m.ID[:], record[10:])
	return m, nil
}

// AppendMessage appends the message record of m to dst.
func AppendMessage(dst []byte, m Message) []byte {
	dst = binary.BigEndian.AppendUint64(dst, uint64(m.Timestamp))
	dst = binary.BigEndian.AppendUint16(dst, m.Attempts)
	dst = append(dst, m.ID[:]...)
	return append(dst, m.Body...)
}
