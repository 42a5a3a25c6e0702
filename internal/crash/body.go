package main

import (
	"bytes"
	"fmt"
	"strconv"
)

// The sizes of bodies: mostly small, now and then larger than a block on disk.
const (
	smallBody = 400
	largeBody = 30000
	largeOne  = 101 // every so many
)

// body returns the body of a message: its number, and letters that follow from
// it, so that any change shows. It has no newline.
func body(message int) []byte {
	size := message * 7919 % smallBody
	if message%largeOne == largeOne-1 {
		size = largeBody
	}
	b := fmt.Appendf(nil, "%d ", message)
	for i := range size {
		b = append(b, byte('a'+(message+i*i)%26))
	}
	return b
}

// parseBody returns the number of the message that has this body.
func parseBody(b []byte) (message int, ok bool) {
	digits, _, _ := bytes.Cut(b, []byte(" "))
	message, err := strconv.Atoi(string(digits))
	return message, err == nil && bytes.Equal(b, body(message))
}
