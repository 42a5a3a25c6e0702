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

// ReadFrame reads one frame of at most limit bytes of data. It allocates no
// more than limit, and nothing for a frame that is larger: that is ErrFrame.
func ReadFrame(r io.Reader, limit int) (FrameType, []byte, error) {
	var head [FrameHeaderSize]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return 0, nil, err
	}
	size := int64(int32(binary.BigEndian.Uint32(head[:]))) - 4
	if size < 0 || size > int64(limit) {
		return 0, nil, fmt.Errorf("%w: size %d", ErrFrame, size+4)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(r, data); err != nil {
		return 0, nil, err
	}
	return FrameType(binary.BigEndian.Uint32(head[4:])), data, nil
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
	bad := byte(0)
	for _, c := range id {
		d := unhex[c]
		bad |= d
		n = n<<4 | uint64(d&15)
	}
	return n, bad&0x80 == 0
}

// hexPairs has the two digits of each byte; unhex the value of each digit, or 0x80.
var hexPairs, unhex = func() (pairs [256][2]byte, values [256]byte) {
	const digits = "0123456789abcdef"
	for i := range pairs {
		pairs[i] = [2]byte{digits[i>>4], digits[i&15]}
		values[i] = 0x80
	}
	for i := range digits {
		values[digits[i]] = byte(i)
	}
	return pairs, values
}()

func putHex(dst []byte, n uint64) {
	_ = dst[15]
	for i := 14; i >= 0; i -= 2 {
		p := &hexPairs[byte(n)]
		dst[i], dst[i+1] = p[0], p[1]
		n >>= 8
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
