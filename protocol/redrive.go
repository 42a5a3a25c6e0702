package protocol

// FeatureRedrive is in Info.Features of a nsqd that answers /channel/redrive.
const FeatureRedrive = "redrive"

// The states of a Redrive.
const (
	RedriveRunning = "running"
	RedriveDone    = "done"    // nothing is left of what waited when it began
	RedriveStopped = "stopped" // somebody stopped it, or the node exits
	RedriveFailed  = "failed"  // Redrive.Error says why
)

// Redrive is the JSON of nsqd's /channel/redrive: how far a channel's messages
// have been moved to another topic of the node.
type Redrive struct {
	To      string `json:"to"`
	Rate    int64  `json:"rate"`    // messages a second at most; 0: as fast as it goes
	Total   int64  `json:"total"`   // messages that waited when it began, or fewer if a limit was given
	Moved   int64  `json:"moved"`   // messages published to the topic and finished in the channel
	Left    int64  `json:"left"`    // messages still to be moved, at most; what consumers take meanwhile does not count
	Failed  int64  `json:"failed"`  // messages that could not be published, and wait as before
	Started int64  `json:"started"` // Unix s
	Ended   int64  `json:"ended,omitempty"`
	State   string `json:"state"`
	Error   string `json:"error,omitempty"`
}
