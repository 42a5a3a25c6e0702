package httpapi

import (
	"compress/flate"
	"compress/gzip"
	"io"
	"net/http"
	"slices"
	"strings"
)

// Compress returns a handler that compresses h's answers for clients that name
// exactly gzip, or deflate, among what they accept.
func Compress(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add("Vary", "Accept-Encoding")
		var accepted []string
		for _, token := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
			accepted = append(accepted, strings.TrimSpace(token))
		}
		c := &compressing{ResponseWriter: w}
		switch {
		case slices.Contains(accepted, "gzip"):
			c.encoding, c.to = "gzip", gzip.NewWriter(w)
		case slices.Contains(accepted, "deflate"):
			c.encoding = "deflate"
			c.to, _ = flate.NewWriter(w, flate.DefaultCompression) // the level is valid
		default:
			h.ServeHTTP(w, r)
			return
		}
		defer c.end()
		h.ServeHTTP(c, r)
	})
}

// compressor is what gzip and flate writers have in common.
type compressor interface {
	io.WriteCloser
	Flush() error
}

// compressing compresses an answer that has a body.
type compressing struct {
	http.ResponseWriter
	encoding string
	to       compressor
	begun    bool // the header is written
	plain    bool // there is no body, or it is encoded already
}

// WriteHeader says that the body is compressed.
func (c *compressing) WriteHeader(status int) {
	if !c.begun {
		c.begun = true
		header := c.Header()
		c.plain = status == http.StatusNoContent || status == http.StatusNotModified || header.Get("Content-Encoding") != "" ||
			header.Get("Content-Length") == "0" || header.Get("Content-Range") != ""
		if !c.plain {
			header.Set("Content-Encoding", c.encoding)
			header.Del("Content-Length")
		}
	}
	c.ResponseWriter.WriteHeader(status)
}

// Write compresses p. The type of the body is told from what it says before.
func (c *compressing) Write(p []byte) (int, error) {
	if !c.begun {
		if c.Header().Get("Content-Type") == "" {
			c.Header().Set("Content-Type", http.DetectContentType(p))
		}
		c.WriteHeader(http.StatusOK)
	}
	if c.plain {
		return c.ResponseWriter.Write(p)
	}
	return c.to.Write(p)
}

// Flush sends what has been written.
func (c *compressing) Flush() {
	if c.begun && !c.plain {
		c.to.Flush() //nolint:errcheck // the client is gone: nobody to tell
	}
	if f, ok := c.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

func (c *compressing) end() {
	if c.begun && !c.plain {
		c.to.Close() //nolint:errcheck // the client is gone: nobody to tell
	}
}
