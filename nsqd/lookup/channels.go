package lookup

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
			hosts = append(hosts, net.JoinHostPort(info.BroadcastAddress, strconv.Itoa(info.HTTPPort)))
		}
	}
	l.mu.Unlock()
	if len(hosts) == 0 {
		if configured > 0 {
			return nil, ErrNoPeers
		}
		return nil, nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.config.RequestTimeout)
	defer cancel()
	client := &http.Client{Transport: &http.Transport{
		DialContext:       l.dialHTTP,
		TLSClientConfig:   l.config.TLS,
		DisableKeepAlives: true,
	}}
	var mu sync.Mutex
	var errs []error
	found := map[string]bool{}
	var busy sync.WaitGroup
	for _, host := range hosts {
		busy.Go(func() {
			names, err := l.channelsAt(ctx, client, host, topic)
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

func (l *Client) dialHTTP(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.config.ConnectTimeout)
	defer cancel()
	return l.config.Dial(ctx, network, address)
}

func (l *Client) channelsAt(ctx context.Context, client *http.Client, host, topic string) ([]string, error) {
	u := url.URL{Scheme: "http", Host: host, Path: "/channels", RawQuery: "topic=" + url.QueryEscape(topic)}
	l.config.Log.Infof("CI: querying nsqlookupd %s", &u)
	body, status, err := l.get(ctx, client, &u)
	if status == http.StatusForbidden && err == nil {
		var demand struct {
			Port int `json:"https_port"`
		}
		if err := json.Unmarshal(body, &demand); err != nil {
			return nil, fmt.Errorf("%s answers 403", host)
		}
		u.Scheme, u.Host = "https", net.JoinHostPort(u.Hostname(), strconv.Itoa(demand.Port))
		body, status, err = l.get(ctx, client, &u)
	}
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

func (l *Client) get(ctx context.Context, client *http.Client, u *url.URL) ([]byte, int, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Accept", "application/vnd.nsq; version=1.0")
	resp, err := client.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, l.config.MaxReply))
	return body, resp.StatusCode, err
}
