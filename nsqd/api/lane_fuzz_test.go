package api

import (
	"math/rand/v2"
	"testing"
)

// pieces are what requests at random are made of.
var pieces = []string{
	"POST /pub?topic=t HTTP/1.1\r\n", "POST /mpub?topic=t HTTP/1.1\r\n", "POST /pub?topic=full HTTP/1.1\r\n",
	"POST /pub?topic=t&defer=9000 HTTP/1.1\r\n", "GET /ping HTTP/1.1\r\n", "POST /mpub?topic=t&binary=1 HTTP/1.1\r\n",
	"POST /pub?topic=t HTTP/1.0\r\n", "PUT /config/word HTTP/1.1\r\n", "POST ", "GET ", "/pub", "?topic=t", "&defer=", " HTTP/1.1", "\r\n", "\n", "\r",
	"Host: x\r\n", "Host:", "Content-Length: 1\r\n\r\na", "Content-Length: 3\r\n\r\na\nb", "Content-Length: 9\r\n\r\n\x00\x00\x00\x01\x00\x00\x00\x01a",
	"Content-Length: 0\r\n", "Content-Length: 2\r\n", "Content-Length: 99\r\n", "content-length :", "Transfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n",
	"Connection: keep-alive\r\n", "Connection: close\r\n", "Expect: 100-continue\r\n", "Upgrade: h2c\r\n", "Trailer: X-A\r\n",
	"User-Agent: a\r\n", "Accept: */*\r\n", "X-A: b\r\n", "Authorization: Bearer a\r\n", "Accept:", " folded\r\n", "Other: a\r\n", ": ", "\x00",
	"Host: x\r\nContent-Length: 1\r\n\r\na", "POST /pub?topic=t HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na",
}

// cut is the byte that ends a chunk; others stand for a piece, or for themselves.
const cut = 255

func chunksOf(data []byte) []string {
	chunks, chunk := []string(nil), ""
	for _, b := range data {
		switch {
		case b == cut && chunk != "":
			chunks, chunk = append(chunks, chunk), ""
		case b == cut:
		case int(b) < len(pieces):
			chunk += pieces[b]
		default:
			chunk += string(rune(b))
		}
	}
	if chunk != "" {
		chunks = append(chunks, chunk)
	}
	return chunks
}

// likely returns pieces at random that often make a request.
func likely(r *rand.Rand) (data []byte) {
	const firstField, lastField = 17, 41
	for range 1 + r.IntN(4) {
		data = append(data, byte(r.IntN(8)))
		for range r.IntN(4) {
			data = append(data, byte(firstField+r.IntN(lastField-firstField)))
		}
		if r.IntN(3) > 0 {
			data = append(data, byte(len(pieces)-2))
		}
		if r.IntN(3) > 0 {
			data = append(data, cut)
		}
		for range r.IntN(2) {
			data = append(data, byte(r.IntN(256)))
		}
	}
	return data
}

// FuzzLane: whatever a client sends, what it gets and what comes of it is the same
// with the lane and without.
func FuzzLane(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		f.Add(likely(r))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		const most = 200 // bytes of data: what follows is more of the same
		chunks := chunksOf(data[:min(len(data), most)])
		compare(t, 1, false, chunks)
		compare(t, 1, true, chunks)
	})
}
