package protocol_test

import (
	"bytes"
	"fmt"

	"nsqsuite/protocol"
)

// A publisher sends the magic once, and commands from then on.
func ExampleAppendPub() {
	sent := []byte(protocol.MagicV2)
	sent = protocol.AppendPub(sent, "orders", 0, []byte("hello"))
	fmt.Printf("%q\n", sent)
	// Output: "  V2PUB orders\n\x00\x00\x00\x05hello"
}

// A consumer reads frames, and answers message frames by the ID.
func ExampleReadFrame() {
	var wire bytes.Buffer
	record := protocol.AppendMessage(nil, protocol.Message{ID: protocol.NewMessageID(0x2a), Attempts: 1, Body: []byte("hello")})
	wire.Write(protocol.AppendFrame(nil, protocol.FrameMessage, string(record)))

	kind, data, err := protocol.ReadFrame(&wire, 1<<20)
	if err != nil || kind != protocol.FrameMessage {
		fmt.Println(kind, err)
		return
	}
	m, err := protocol.DecodeMessage(data)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s, attempt %d\n", m.Body, m.Attempts)
	fmt.Printf("%q\n", protocol.AppendCommand(nil, "FIN", m.ID.String()))
	// Output:
	// hello, attempt 1
	// "FIN 000000000000002a\n"
}

// A server splits a command line into its words.
func ExampleSplitLine() {
	line := protocol.SplitLine([]byte("SUB orders billing\r\n"))
	fmt.Printf("%s %s %s\n", line.Command(), line.Param(0), line.Param(1))
	// Output: SUB orders billing
}

// An error has a code that clients go by, and a text for people.
func ExampleCode_Errorf() {
	err := protocol.FinFailed.Errorf("FIN %s failed ID not in flight", protocol.NewMessageID(1))
	fmt.Println(err, err.Code.Fatal())
	// Output: E_FIN_FAILED FIN 0000000000000001 failed ID not in flight false
}

// A server checks what a client asks for against its limits.
func ExampleLimits_Apply() {
	limits := protocol.Limits{MaxHeartbeat: 60e9, MaxMsgTimeout: 900e9, MsgTimeout: 60e9, OutputBufferTimeout: 250e6}
	id, err := protocol.ParseIdentify([]byte(`{"heartbeat_interval":500}`))
	if err == nil {
		_, err = limits.Apply(&id)
	}
	fmt.Println(err)
	// Output: E_BAD_BODY IDENTIFY heartbeat interval (500) is invalid
}
