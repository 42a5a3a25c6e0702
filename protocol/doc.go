// Package protocol is what goes over the wire between clients, nsqd, nsqlookupd
// and nsqadmin, each thing once, for the side that writes it and the side that
// reads it: frames and message records, commands, names, message IDs, errors,
// the negotiation of IDENTIFY, and the JSON of the HTTP APIs.
//
// It depends on nothing but the standard library, and on none of the daemons.
//
// # The client protocol (V2)
//
// A client sends MagicV2, then commands: a line of words separated by single
// spaces and ended by a newline, behind some of them a body, which is a size
// (4 bytes, big endian) and as many bytes. The server answers with frames:
//
//	0  4  size: number of bytes that follow, big endian
//	4  4  type: FrameResponse, FrameError or FrameMessage
//	8     data
//
// The data of a message frame is a message record:
//
//	 0   8  time of publish, Unix ns
//	 8   2  attempts, this delivery included
//	10  16  message ID, lower-case hex digits
//	26      body
//
// # The registry's protocol (V1)
//
// nsqd sends MagicV1 to nsqlookupd, then commands of the same shape; an answer
// is a size and as many bytes, without a type.
package protocol
