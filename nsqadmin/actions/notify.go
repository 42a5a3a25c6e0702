package actions

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"nsqsuite/internal/cluster"
	"nsqsuite/internal/logging"
	"nsqsuite/protocol"
)

const (
	maxQueued = 1000    // notifications that wait to be sent
	maxAnswer = 1 << 20 // bytes of the receiver's answer that are read to keep the connection
)

// NotifyConfig says where notifications go.
type NotifyConfig struct {
	Endpoint       string // URL; "" for nowhere
	Via            string // our host's name
	ConnectTimeout time.Duration
	RequestTimeout time.Duration
}

// notification is the JSON that the endpoint gets.
type notification struct {
	Action    string              `json:"action"`
	Topic     string              `json:"topic"`
	Channel   string              `json:"channel,omitempty"`
	Node      string              `json:"node,omitempty"`
	To        string              `json:"to,omitempty"`      // of a redrive
	Message   string              `json:"message,omitempty"` // of a cancel
	Limits    *protocol.OwnLimits `json:"limits,omitempty"`  // of a limit
	Timestamp int64               `json:"timestamp"`
	User      string              `json:"user,omitempty"`
	RemoteIP  string              `json:"remote_ip"`
	UserAgent string              `json:"user_agent"`
	URL       string              `json:"url"`
	Via       string              `json:"via"`
}

// notifier sends notifications, one at a time.
type notifier struct {
	config NotifyConfig
	log    *logging.Logger
	queue  chan notification
	client *http.Client
}

func newNotifier(config NotifyConfig, log *logging.Logger) *notifier {
	dialer := &net.Dialer{Timeout: config.ConnectTimeout}
	return &notifier{
		config: config, log: log,
		queue: make(chan notification, maxQueued),
		client: &http.Client{
			Timeout:   config.RequestTimeout,
			Transport: &http.Transport{DialContext: dialer.DialContext, ResponseHeaderTimeout: config.RequestTimeout},
		},
	}
}

// tell queues the notifications of a command.
func (a *Actor) tell(what cluster.Command, by By, at time.Time) {
	if a.notify == nil {
		return
	}
	n := notification{
		Topic: what.Topic, Channel: what.Channel, Node: what.Node, To: what.To, Message: what.Message, Timestamp: at.Unix(),
		User: by.BasicUser, RemoteIP: by.RemoteIP, UserAgent: by.UserAgent, URL: by.URL, Via: a.notify.config.Via,
	}
	if what.Verb == cluster.Limit {
		n.Limits = &what.Limits
	}
	switch {
	case what.Verb == cluster.Tombstone:
		n.Action = "tombstone_topic_producer"
		a.notify.put(n)
	case what.Verb == cluster.Create && what.Channel != "":
		topic := n
		topic.Action, topic.Channel = "create_topic", ""
		a.notify.put(topic)
		n.Action = "create_channel"
		a.notify.put(n)
	case what.Verb == cluster.StopRedrive:
		n.Action = "stop_redrive_channel"
		a.notify.put(n)
	case what.Verb == cluster.Cancel:
		n.Action = "cancel_message"
		a.notify.put(n)
	case what.Channel != "":
		n.Action = string(what.Verb) + "_channel"
		a.notify.put(n)
	default:
		n.Action = string(what.Verb) + "_topic"
		a.notify.put(n)
	}
}

// put never waits: an endpoint that hangs must not hold up an action.
func (n *notifier) put(what notification) {
	select {
	case n.queue <- what:
	default:
		n.log.Errorf("failed to POST notification - %d wait already", maxQueued)
	}
}

func (n *notifier) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case what := <-n.queue:
			if err := n.send(ctx, what); err != nil && ctx.Err() == nil {
				n.log.Errorf("failed to POST notification - %s", err)
			}
		}
	}
}

func (n *notifier) send(ctx context.Context, what notification) error {
	body, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("encoding it: %w", err)
	}
	n.log.Infof("POSTing notification to %s", n.config.Endpoint)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, n.config.Endpoint, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := n.client.Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(answer.Body, maxAnswer))
	return err
}
