package httplane

import "bytes"

// verdict is what can be said of the bytes where a request begins.
type verdict int

const (
	incomplete verdict = iota // the head has not all come
	doubtful                  // it is for net/http to make out what this is
	certain                   // the head is in the common form: its request's extent is certain
)

// head is what the lane knows of a request in the common form.
type head struct {
	size          int // bytes of the head, with the empty line
	length        int // bytes of the body
	post          bool
	target        []byte
	authorization []byte

	seen field
}

// field is a set of the fields that must not come twice.
type field int

const (
	host field = 1 << iota
	contentLength
	connection
	authorization
)

// parse reads the head at the start of p.
func parse(p []byte) (h head, v verdict) {
	for first := true; ; first = false {
		end := bytes.IndexByte(p[h.size:], '\n')
		if end < 0 {
			return h, incomplete
		}
		line, whole := bytes.CutSuffix(p[h.size:h.size+end], carriageReturn)
		h.size += end + 1
		switch {
		case !whole:
			return h, doubtful
		case first:
			whole = h.requestLine(line)
		case len(line) > 0:
			whole = h.field(line)
		case h.seen&host == 0:
			return h, doubtful
		default:
			return h, certain
		}
		if !whole {
			return h, doubtful
		}
	}
}

var (
	carriageReturn = []byte("\r")
	get            = []byte("GET ")
	post           = []byte("POST ")
	version        = []byte(" HTTP/1.1")
	colon          = []byte(":")
	keepAlive      = []byte("keep-alive")
)

// requestLine takes in the first line. It returns false if it is not in the common form.
func (h *head) requestLine(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, post)
	h.post = ok
	if !ok {
		rest, ok = bytes.CutPrefix(line, get)
	}
	target, whole := bytes.CutSuffix(rest, version)
	h.target = target
	return ok && whole && len(target) > 0 && target[0] == '/' && printable(target) && bytes.IndexByte(target, ' ') < 0
}

// maxName is how long the name of a field may be that has a place in the common form.
const maxName = 40

// field takes in a line of the header. It returns false if it is not in the common
// form: then it may say something of where the request ends, or of the connection.
func (h *head) field(line []byte) bool {
	name, value, ok := bytes.Cut(line, colon)
	value = bytes.Trim(value, " ")
	if !ok || len(name) > maxName || !printable(value) {
		return false
	}
	var lower [maxName]byte
	for i, b := range name {
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		lower[i] = b
	}
	switch name := lower[:len(name)]; string(name) {
	case "host":
		return h.once(host) && validHost(value)
	case "content-length":
		h.length, ok = number(value)
		return h.once(contentLength) && ok
	case "connection":
		return h.once(connection) && bytes.EqualFold(value, keepAlive)
	case "authorization":
		h.authorization = value
		return h.once(authorization)
	case "user-agent", "accept", "accept-encoding", "accept-language", "accept-charset", "content-type",
		"cache-control", "pragma", "origin", "referer", "sec-fetch-mode", "via", "forwarded", "traceparent", "tracestate", "baggage":
		return true
	default:
		return extension(name)
	}
}

// once tells whether f comes for the first time.
func (h *head) once(f field) bool {
	again := h.seen&f != 0
	h.seen |= f
	return !again
}

// printable tells whether all of p is ASCII that can be seen, or blanks.
func printable(p []byte) bool {
	for _, b := range p {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return true
}

// extension tells whether name, in lower case, is that of a field which means
// nothing to HTTP: X-….
func extension(name []byte) bool {
	for _, b := range name {
		if b != '-' && (b < '0' || b > '9') && (b < 'a' || b > 'z') {
			return false
		}
	}
	return bytes.HasPrefix(name, []byte("x-"))
}

// validHost tells whether p is a host's name or address, perhaps with a port.
func validHost(p []byte) bool {
	for _, b := range p {
		if bytes.IndexByte(hostBytes, b) < 0 {
			return false
		}
	}
	return len(p) > 0
}

var hostBytes = []byte("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:-_[]")

// maxDigits is how many digits a length may have.
const maxDigits = 9

// number returns the number that p is in decimal digits.
func number(p []byte) (n int, ok bool) {
	for _, b := range p {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = 10*n + int(b-'0')
		if len(p) > maxDigits {
			return 0, false
		}
	}
	return n, len(p) > 0
}
