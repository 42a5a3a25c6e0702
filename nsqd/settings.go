package nsqd

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/logging"
	"nsqsuite/nsqd/api"
)

// optDrain is behind /config too, though it is no option but something to be done.
const optDrain = "drain"

// drainLimit reads the body of PUT /config/drain: true, or the longest time it may take.
func drainLimit(body []byte) (time.Duration, error) {
	word := strings.TrimSpace(string(body))
	if word == "true" {
		return 0, nil
	}
	limit, err := time.ParseDuration(word)
	if err == nil && limit <= 0 {
		err = errors.New("must be more than 0")
	}
	return limit, err
}

// option returns the value of an option for GET /config.
func (n *NSQD) option(key string) (any, bool) {
	if key == optDrain {
		return n.drained(), true
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return cli.Value(n.options, key)
}

// setOption changes an option for PUT /config.
func (n *NSQD) setOption(key string, body []byte) (any, error) {
	if key == optDrain {
		limit, err := drainLimit(body)
		if err != nil {
			return nil, err
		}
		n.Drain(limit)
		return n.drained(), nil
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch key {
	case "log_level":
		level, err := logging.ParseLevel(string(body))
		if err != nil {
			return nil, err
		}
		n.options.LogLevel = level
		n.log.SetLevel(level)
		return level, nil
	case "nsqlookupd_tcp_addresses":
		var addresses []string
		if err := json.Unmarshal(body, &addresses); err != nil {
			return nil, err
		}
		n.options.LookupdTCPAddresses = addresses
		n.lookup.SetAddresses(addresses)
		return addresses, nil
	}
	return nil, api.ErrNotSettable
}
