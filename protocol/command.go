package protocol

import (
	"bytes"
	"encoding/binary"
	"math"
	"strconv"
	"time"
)

// MaxLine is how many bytes a command line has at most, its newline included.
const MaxLine = 16384

// maxWords is how many words of a line are told apart; no command has more, and further ones are ignored.
const maxWords = 4

// Line is a command line split into words: the command, then its parameters.
// They alias the line.
type Line struct {
	words [maxWords][]byte
	n     int
}

// SplitLine splits a command line, newline included or not, by the rules of
// protocol.md 2: at most one carriage return before the newline is dropped,
// and each single space separates.
func SplitLine(line []byte) (l Line) {
	line = dropLast(dropLast(line, '\n'), '\r')
	for l.n < maxWords-1 {
		i := bytes.IndexByte(line, ' ')
		if i < 0 {
			break
		}
		l.words[l.n] = line[:i]
		l.n++
		line = line[i+1:]
	}
	if i := bytes.IndexByte(line, ' '); i >= 0 {
		line = line[:i]
	}
	l.words[l.n] = line
	l.n++
	return l
}

func dropLast(line []byte, c byte) []byte {
	if n := len(line); n > 0 && line[n-1] == c {
		return line[:n-1]
	}
	return line
}

// Command returns the first word.
func (l *Line) Command() []byte { return l.words[0] }

// Params returns the number of parameters, counted up to 3.
func (l *Line) Params() int { return l.n - 1 }

// Param returns parameter i, from 0 on, which must be below Params.
func (l *Line) Param(i int) []byte { return l.words[i+1] }

// FinSize is the number of bytes of a FIN command in its usual form.
const FinSize = len("FIN 0123456789abcdef\n")

// CutFin returns the number of the ID of the FIN command that p begins with. It
// knows the usual form only, an ID of hex digits and a bare newline: it spares most
// of what a consumer sends the way through SplitLine, a third of the time of a FIN.
func CutFin(p []byte) (n uint64, ok bool) {
	if len(p) < FinSize || p[FinSize-1] != '\n' || string(p[:4]) != "FIN " {
		return 0, false
	}
	return ParseMessageID(MessageID(p[4:]))
}

// maxDelayDigits is how many digits CutReq takes for a delay in ms: eleven days.
const maxDelayDigits = 9

// CutReq returns the number of the ID and the delay in ms of the REQ command that p
// begins with, and the command's size. It knows the usual form only, as CutFin does.
func CutReq(p []byte) (n, ms uint64, size int, ok bool) {
	const at = len("REQ 0123456789abcdef ")
	if len(p) < at+2 || p[at-1] != ' ' || string(p[:4]) != "REQ " {
		return 0, 0, 0, false
	}
	for i, c := range p[at:min(len(p), at+maxDelayDigits+1)] {
		switch d := uint64(c - '0'); {
		case c == '\n' && i > 0:
			n, ok = ParseMessageID(MessageID(p[4:]))
			return n, ms, at + i + 1, ok
		case d > 9:
			return 0, 0, 0, false
		default:
			ms = 10*ms + d
		}
	}
	return 0, 0, 0, false
}

// CutPub returns the topic's name in the PUB command line that p begins with, in the
// usual form: one space, and a bare newline.
func CutPub(p []byte) (name []byte, ok bool) {
	if len(p) < 4 || string(p[:4]) != "PUB " {
		return nil, false
	}
	p = p[4:]
	i := bytes.IndexByte(p[:min(len(p), MaxNameLength+1)], '\n')
	if i < 0 {
		return nil, false
	}
	return p[:i], true
}

// ParseDigits returns the number that p tells in decimal digits only; none is 0.
// What does not fit saturates, so that it fails every range check.
func ParseDigits(p []byte) (n uint64, ok bool) {
	for _, c := range p {
		d := uint64(c - '0')
		if d > 9 {
			return 0, false
		}
		if n > (math.MaxUint64-d)/10 {
			n = math.MaxUint64
			continue
		}
		n = n*10 + d
	}
	return n, true
}

// AppendCommand appends a command line to dst.
func AppendCommand(dst []byte, words ...string) []byte {
	for i, w := range words {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, w...)
	}
	return append(dst, '\n')
}

// AppendBody appends a body, its size before it, to dst.
func AppendBody(dst, body []byte) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(body)))
	return append(dst, body...)
}

// AppendPub appends a PUB command to dst, or a DPUB if delay is positive.
func AppendPub(dst []byte, topic string, delay time.Duration, body []byte) []byte {
	if delay > 0 {
		dst = AppendCommand(dst, "DPUB", topic, strconv.FormatInt(delay.Milliseconds(), 10))
	} else {
		dst = AppendCommand(dst, "PUB", topic)
	}
	return AppendBody(dst, body)
}

// AppendMPub appends an MPUB command to dst.
func AppendMPub(dst []byte, topic string, bodies ...[]byte) []byte {
	dst = AppendCommand(dst, "MPUB", topic)
	from := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(bodies)))
	for _, b := range bodies {
		dst = AppendBody(dst, b)
	}
	binary.BigEndian.PutUint32(dst[from:], uint32(len(dst)-from-4))
	return dst
}

// MaxBatch returns how many messages an MPUB may have for this --max-body-size.
func MaxBatch(maxBodySize int64) int64 { return (maxBodySize - 4) / 5 }
