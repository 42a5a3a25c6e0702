package protocol

// FeaturePeek is in Info.Features of a nsqd that answers GET /channel/peek and
// POST /channel/cancel.
const FeaturePeek = "peek"

// The places of a message that a channel owes, as GET /channel/peek names them.
const (
	PeekReady    = "ready"
	PeekInFlight = "in_flight"
	PeekDeferred = "deferred"
)

// Peek is the JSON of nsqd's GET /channel/peek: messages as they are, in the
// order of their publishing, of which nothing has changed by looking.
type Peek struct {
	Messages []PeekedMessage `json:"messages"`
	// Next is where to go on, for the parameter "from"; empty at the end.
	Next string `json:"next,omitempty"`
}

// PeekedMessage is a message in a Peek.
type PeekedMessage struct {
	ID        string `json:"id"`
	Timestamp int64  `json:"timestamp"` // of the publish, Unix ns
	Attempts  uint16 `json:"attempts"`  // deliveries so far
	State     string `json:"state"`
	// Until is when the message times out or is deferred to, Unix ns; 0 for one that is ready.
	Until int64  `json:"until,omitempty"`
	Size  int    `json:"size"` // bytes of the body
	Body  []byte `json:"body"` // base64; perhaps only its beginning
}
