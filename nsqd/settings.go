package nsqd

import (
	"encoding/json"

	"nsqsuite/internal/cli"
	"nsqsuite/internal/logging"
	"nsqsuite/nsqd/api"
)

// option returns the value of an option for GET /config.
func (n *NSQD) option(key string) (any, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return cli.Value(n.options, key)
}

// setOption changes an option for PUT /config.
func (n *NSQD) setOption(key string, body []byte) (any, error) {
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
