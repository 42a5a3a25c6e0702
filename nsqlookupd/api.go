package nsqlookupd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/julienschmidt/httprouter"

	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/version"
	"nsqsuite/nsqlookupd/registry"
	"nsqsuite/protocol"
)

// api returns the handler of all routes (nsqlookupd.md part 4).
func (l *NSQLookupd) api() *httpapi.Router {
	r := httpapi.NewRouter(l.log)
	r.Plain(http.MethodGet, "/ping", func(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) { return protocol.OK, nil })
	r.V1(http.MethodGet, "/info", func(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) {
		return map[string]string{"version": version.Number}, nil
	})
	r.V1(http.MethodGet, "/topics", func(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) {
		return protocol.TopicList{Topics: l.registry.Topics()}, nil
	})
	r.V1(http.MethodGet, "/nodes", func(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) {
		return httpapi.Stream(l.writeNodes), nil
	})
	r.V1(http.MethodGet, "/debug", func(http.ResponseWriter, *http.Request, httprouter.Params) (any, error) { return l.dump(), nil })
	r.V1(http.MethodGet, "/channels", l.asked(l.channels))
	r.V1(http.MethodGet, "/lookup", l.asked(l.lookup))
	r.V1(http.MethodPost, "/topic/create", l.asked(l.createTopic))
	r.V1(http.MethodPost, "/topic/delete", l.asked(l.deleteTopic))
	r.V1(http.MethodPost, "/channel/create", l.asked(l.createChannel))
	r.V1(http.MethodPost, "/channel/delete", l.asked(l.deleteChannel))
	r.V1(http.MethodPost, "/topic/tombstone", l.asked(l.tombstone))
	r.Profiler()
	r.Health("", func() []httpapi.Check { return []httpapi.Check{} }) // who answers listens, and there is nothing to load
	l.figures.Serve(r, "", l.log)
	return r
}

// writeNodes writes protocol.Nodes, one node after the other.
func (l *NSQLookupd) writeNodes(w io.Writer) error {
	out := bufio.NewWriter(w)
	out.WriteString(`{"producers":[`) //nolint:errcheck // Flush tells
	first := true
	err := l.registry.EachNode(time.Now(), func(node *protocol.Node) error {
		if !first {
			out.WriteByte(',') //nolint:errcheck // likewise
		}
		first = false
		text, err := json.Marshal(node)
		if err == nil {
			_, err = out.Write(text)
		}
		return err
	})
	if err != nil {
		return err
	}
	out.WriteString("]}") //nolint:errcheck // likewise
	return out.Flush()
}

// asked returns a handler for a question about a topic.
func (l *NSQLookupd) asked(answer func(topic string, q url.Values) (any, error)) httpapi.Handler {
	return func(_ http.ResponseWriter, r *http.Request, _ httprouter.Params) (any, error) {
		q, err := httpapi.Query(r, l.log)
		if err != nil {
			return nil, err
		}
		if !q.Has("topic") {
			return nil, httpapi.BadRequest("MISSING_ARG_TOPIC")
		}
		return answer(q.Get("topic"), q)
	}
}

func (l *NSQLookupd) channels(topic string, _ url.Values) (any, error) {
	return protocol.ChannelList{Channels: l.registry.Channels(topic)}, nil
}

func (l *NSQLookupd) lookup(topic string, _ url.Values) (any, error) {
	answer, ok := l.registry.Lookup(topic, time.Now())
	l.figures.looked(ok)
	if !ok {
		return nil, httpapi.NotFound("TOPIC_NOT_FOUND")
	}
	return answer, nil
}

// debugProducer is a producer in GET /debug.
type debugProducer struct {
	ID               string `json:"id"`
	Hostname         string `json:"hostname"`
	BroadcastAddress string `json:"broadcast_address"`
	TCPPort          int    `json:"tcp_port"`
	HTTPPort         int    `json:"http_port"`
	HTTPSPort        int    `json:"https_port,omitempty"` // not in NSQ
	Version          string `json:"version"`
	TopologyZone     string `json:"topology_zone"`
	TopologyRegion   string `json:"topology_region"`
	LastUpdate       int64  `json:"last_update"` // Unix ns
	Tombstoned       bool   `json:"tombstoned"`
	TombstonedAt     int64  `json:"tombstoned_at"` // Unix ns
}

func (l *NSQLookupd) dump() map[string][]debugProducer {
	all := map[string][]debugProducer{}
	l.registry.All(func(reg registry.Registration, producers []registry.Entry) {
		key := fmt.Sprintf("%s:%s:%s", category(reg), reg.Topic, reg.Channel)
		for i := range producers {
			p := &producers[i]
			all[key] = append(all[key], debugProducer{
				ID:               p.Info.RemoteAddress,
				Hostname:         p.Info.Hostname,
				BroadcastAddress: p.Info.BroadcastAddress,
				TCPPort:          p.Info.TCPPort,
				HTTPPort:         p.Info.HTTPPort,
				HTTPSPort:        p.Info.HTTPSPort,
				Version:          p.Info.Version,
				TopologyZone:     p.Info.TopologyZone,
				TopologyRegion:   p.Info.TopologyRegion,
				LastUpdate:       p.LastUpdate.UnixNano(),
				Tombstoned:       !p.Tombstoned.IsZero(),
				TombstonedAt:     p.Tombstoned.UnixNano(),
			})
		}
	})
	return all
}

// category is the word for a kind of registration in GET /debug and in the log.
func category(r registry.Registration) string {
	switch {
	case r.Channel != "":
		return "channel"
	case r.Topic != "":
		return "topic"
	}
	return "client"
}

func (l *NSQLookupd) createTopic(topic string, _ url.Values) (any, error) {
	if !protocol.ValidName(topic) {
		return nil, httpapi.BadRequest("INVALID_ARG_TOPIC")
	}
	l.log.Infof("DB: adding topic(%s)", topic)
	l.registry.Create(registry.Registration{Topic: topic})
	return nil, nil
}

func (l *NSQLookupd) deleteTopic(topic string, _ url.Values) (any, error) {
	l.log.Infof("DB: removing topic(%s)", topic)
	l.registry.DeleteTopic(topic)
	return nil, nil
}

// channelArg returns the channel that a request names.
func channelArg(topic string, q url.Values) (registry.Registration, error) {
	r := registry.Registration{Topic: topic, Channel: q.Get("channel")}
	switch {
	case !protocol.ValidName(topic):
		return r, httpapi.BadRequest("INVALID_ARG_TOPIC")
	case !q.Has("channel"):
		return r, httpapi.BadRequest("MISSING_ARG_CHANNEL")
	case !protocol.ValidName(r.Channel):
		return r, httpapi.BadRequest("INVALID_ARG_CHANNEL")
	}
	return r, nil
}

func (l *NSQLookupd) createChannel(topic string, q url.Values) (any, error) {
	r, err := channelArg(topic, q)
	if err != nil {
		return nil, err
	}
	l.log.Infof("DB: adding channel(%s) in topic(%s)", r.Channel, r.Topic)
	l.log.Infof("DB: adding topic(%s)", r.Topic)
	l.registry.Create(r)
	return nil, nil
}

func (l *NSQLookupd) deleteChannel(topic string, q url.Values) (any, error) {
	r, err := channelArg(topic, q)
	if err != nil {
		return nil, err
	}
	l.log.Infof("DB: removing channel(%s) from topic(%s)", r.Channel, r.Topic)
	if !l.registry.DeleteChannel(r) {
		return nil, httpapi.NotFound("CHANNEL_NOT_FOUND")
	}
	return nil, nil
}

func (l *NSQLookupd) tombstone(topic string, q url.Values) (any, error) {
	if !q.Has("node") {
		return nil, httpapi.BadRequest("MISSING_ARG_NODE")
	}
	node := q.Get("node")
	l.log.Infof("DB: setting tombstone for producer@%s of topic(%s)", node, topic)
	l.registry.Tombstone(topic, func(p *protocol.Producer) bool {
		port := strconv.Itoa(p.WebPort())
		// An IPv6 address may come with brackets round it or without.
		return node == p.BroadcastAddress+":"+port || node == net.JoinHostPort(p.BroadcastAddress, port)
	}, time.Now())
	return nil, nil
}
