// Package layers is a client's socket and what was negotiated to lie over it:
// nothing, TLS, a compression, or a compression in TLS (protocol.md 5).
//
//	session ─ snappy or deflate ─ TLS ─ socket
//
// Writing holds nothing back: when a write returns, the other end can read all of
// it without waiting for more. Reading gives what there is as soon as it is there.
//
// A plain socket is written by the kernel's gathering write, and its owner may
// read it in its own way. Layers gather what they produce in a borrowed buffer.
//
// An idle connection holds little: nothing for snappy, whose chunks stand alone;
// for deflate the reader's window, and a compressor, which is about a megabyte,
// only while it is in use and few are. A compressor that has been away begins with no
// memory of what was written before; for the reader that is the same stream.
package layers
