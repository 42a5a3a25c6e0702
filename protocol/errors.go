package protocol

import (
	"fmt"
)

// maxEcho is how many bytes of a client's word come back in an error.
const maxEcho = 1024

// Code is the first word of an error (protocol.md 8.1).
type Code string

// The codes of nsqd, and of nsqlookupd, which uses some of them.
const (
	BadProtocol    Code = "E_BAD_PROTOCOL"
	Invalid        Code = "E_INVALID"
	BadBody        Code = "E_BAD_BODY"
	BadTopic       Code = "E_BAD_TOPIC"
	BadChannel     Code = "E_BAD_CHANNEL"
	BadMessage     Code = "E_BAD_MESSAGE"
	IdentifyFailed Code = "E_IDENTIFY_FAILED"
	AuthDisabled   Code = "E_AUTH_DISABLED"
	AuthFirst      Code = "E_AUTH_FIRST"
	AuthFailed     Code = "E_AUTH_FAILED"
	AuthError      Code = "E_AUTH_ERROR"
	Unauthorized   Code = "E_UNAUTHORIZED"
	SubFailed      Code = "E_SUB_FAILED"
	PubFailed      Code = "E_PUB_FAILED"
	MPubFailed     Code = "E_MPUB_FAILED"
	DPubFailed     Code = "E_DPUB_FAILED"
	FinFailed      Code = "E_FIN_FAILED"
	ReqFailed      Code = "E_REQ_FAILED"
	TouchFailed    Code = "E_TOUCH_FAILED"
)

// Fatal tells whether the connection is closed after an error with this code.
func (c Code) Fatal() bool {
	return c != FinFailed && c != ReqFailed && c != TouchFailed
}

// Error is an error that a client is told of.
type Error struct {
	Code Code
	Text string // behind the code, may be empty
	Err  error  // the cause, for the log; may be nil
}

// Errorf returns the error with this code and text.
func (c Code) Errorf(format string, args ...any) *Error {
	return &Error{Code: c, Text: fmt.Sprintf(format, args...)}
}

// Because returns e with a cause.
func (e *Error) Because(err error) *Error {
	e.Err = err
	return e
}

// Error returns what the client is told.
func (e *Error) Error() string {
	if e.Text == "" {
		return string(e.Code)
	}
	return string(e.Code) + " " + e.Text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Echo returns a client's word for use in an error, cut to a harmless length.
func Echo[T string | []byte](word T) string { return string(word[:min(len(word), maxEcho)]) }
