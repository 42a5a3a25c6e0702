package protocol

// FeaturePeek is the entry of Info.Features of an nsqd that has GET /channel/peek.
const FeaturePeek = "peek"

// PeekStates are the values of its parameter state: where messages are.
var PeekStates = []string{"waiting", "in_flight", "deferred"}

// Peek is the JSON of nsqd's GET /channel/peek, whose parameters are topic,
// channel, state, from (the position to begin at, 0 or the Next of an earlier
// answer), limit (messages) and max_body (bytes of each body).
type Peek struct {
	Messages []PeekedMessage `json:"messages"`
	Next     uint64          `json:"next"` // position to go on from; 0 at the end
}

// PeekedMessage is a copy of a message that a channel owes.
type PeekedMessage struct {
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"` // of the publish, Unix ns
	Attempts  uint16 `json:"attempts"`  // deliveries so far
	Until     int64  `json:"until,omitempty"`
	Size      int    `json:"size"` // of the whole body, bytes
	Body      []byte `json:"body"` // its beginning, as base64
}
