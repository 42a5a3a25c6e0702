package api

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

// discard is a ResponseWriter without a client.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkPub is what a publish costs here, without net/http and the disk.
func BenchmarkPub(b *testing.B) {
	f := newFixture(b)
	config := f.config()
	config.MaxMsgSize, config.MaxBodySize = 1<<20, 5<<20
	a := New(config)
	hundred := bytes.Repeat([]byte("0123456789012345678901234567890123456789\n"), 100)
	for name, c := range map[string]struct {
		path string
		body []byte
	}{
		"Pub":   {"/pub?topic=b%23ephemeral", hundred[:100]},
		"MPub":  {"/mpub?topic=b%23ephemeral", hundred},
		"Large": {"/pub?topic=b%23ephemeral", bytes.Repeat(hundred, 100)},
	} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("POST", c.path, nil)
			body := bytes.NewReader(c.body)
			r.ContentLength = int64(len(c.body))
			b.SetBytes(r.ContentLength)
			b.ReportAllocs()
			for range b.N {
				body.Reset(c.body)
				r.Body = io.NopCloser(body)
				a.ServeHTTP(&discard{http.Header{}}, r)
			}
		})
	}
}
