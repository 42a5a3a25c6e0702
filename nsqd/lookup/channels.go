package lookup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sort"
	"strconv"
	"sync"

	"nsqsuite/protocol"
)

// ErrNoPeers says that nsqlookupd are configured, but none ever answered.
var ErrNoPeers = errors.New("no available nsqlookupd")

// Channels asks all nsqlookupd that ever answered which channels a topic has
// elsewhere, and returns them all, sorted. Without addresses there are none.
// An error may come beside channels: some answered. It ends when Run does.
func (l *Client) Channels(topic string) ([]string, error) {
	l.mu.Lock()
	ctx := l.running
	if ctx == nil {
		ctx = context.Background()
	}
	configured := len(l.peers)
	var hosts []string
	for _, p := range l.peers {
		if info := p.info.Load(); info != nil {
			hosts = append(hosts, l.httpAddress(info))
		}
	}
	l.mu.Unlock()
	if len(hosts) == 0 {
		if configured > 0 {
			return nil, ErrNoPeers
		}
		return nil, nil
	}
	var mu sync.Mutex
	var errs []error
	found := map[string]bool{}
	var busy sync.WaitGroup
	for _, host := range hosts {
		busy.Go(func() {
			names, err := l.channelsAt(ctx, host, topic)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, err)
			}
			for _, name := range names {
				found[name] = true
			}
		})
	}
	busy.Wait()
	list := make([]string, 0, len(found))
	for name := range found {
		list = append(list, name)
	}
	sort.Strings(list)
	return list, errors.Join(errs...)
}

// httpAddress returns where a nsqlookupd is asked: over TLS, if it is spoken to
// like that and has said where, so that no token goes out in clear.
func (l *Client) httpAddress(info *protocol.RegistryInfo) string {
	if l.config.TLS != nil && info.HTTPSPort != 0 {
		return "https://" + net.JoinHostPort(info.BroadcastAddress, strconv.Itoa(info.HTTPSPort))
	}
	return "http://" + net.JoinHostPort(info.BroadcastAddress, strconv.Itoa(info.HTTPPort))
}

func (l *Client) channelsAt(ctx context.Context, host, topic string) ([]string, error) {
	target := host + "/channels?topic=" + url.QueryEscape(topic)
	l.config.Log.Infof("CI: querying nsqlookupd %s", target)
	body, status, err := l.http.Ask(ctx, http.MethodGet, target, "", nil)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("%s: got response %d %q", host, status, protocol.Echo(body))
	}
	var answer protocol.ChannelList
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, fmt.Errorf("%s: %w", host, err)
	}
	return answer.Channels, nil
}
