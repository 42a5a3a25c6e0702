package nsqd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/version"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
	"nsqsuite/protocol"
)

// metadata keeps nsqd.dat, which names the topics and channels (protocol.md 17).
type metadata struct {
	fs     vfs.FS
	path   string
	topics func() []broker.TopicMeta
	log    *logging.Logger

	mu    sync.Mutex // serialises writes
	dirty chan struct{}
}

// metaFile is nsqd.dat.
type metaFile struct {
	Topics  []metaTopic `json:"topics"`
	Version string      `json:"version"`
}

type metaTopic struct {
	Name     string              `json:"name"`
	Paused   bool                `json:"paused"`
	Channels []metaChannel       `json:"channels"`
	Limits   *protocol.OwnLimits `json:"limits,omitempty"` // no key of upstream's
}

type metaChannel struct {
	Name   string              `json:"name"`
	Paused bool                `json:"paused"`
	Limits *protocol.OwnLimits `json:"limits,omitempty"`
}

func newMetadata(fsys vfs.FS, dataPath string, topics func() []broker.TopicMeta, log *logging.Logger) *metadata {
	return &metadata{fs: fsys, path: filepath.Join(dataPath, "nsqd.dat"), topics: topics, log: log, dirty: make(chan struct{}, 1)}
}

// load reads the file. If there is none, there is nothing.
func (m *metadata) load() ([]broker.TopicMeta, error) {
	text, err := m.read()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("failed to read metadata from %s - %w", m.path, err)
	}
	var file metaFile
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("failed to parse metadata in %s - %w", m.path, err)
	}
	var topics []broker.TopicMeta
	for _, t := range file.Topics {
		if !protocol.ValidName(t.Name) {
			m.log.Warnf("skipping creation of invalid topic %s", t.Name)
			continue
		}
		meta := broker.TopicMeta{Name: t.Name, Paused: t.Paused, Limits: m.limits(t.Limits, t.Name)}
		for _, c := range t.Channels {
			if !protocol.ValidName(c.Name) {
				m.log.Warnf("skipping creation of invalid channel %s", c.Name)
				continue
			}
			meta.Channels = append(meta.Channels, broker.ChannelMeta{Name: c.Name, Paused: c.Paused, Limits: m.limits(c.Limits, t.Name+"/"+c.Name)})
		}
		topics = append(topics, meta)
	}
	return topics, nil
}

// limits returns what the file says of a topic's or channel's limits, if that makes sense.
func (m *metadata) limits(own *protocol.OwnLimits, name string) protocol.OwnLimits {
	if own == nil {
		return protocol.OwnLimits{}
	}
	if err := own.Check(); err != nil {
		m.log.Warnf("skipping invalid limits of %s - %s", name, err)
		return protocol.OwnLimits{}
	}
	return *own
}

// own returns limits for the file, or nil if there are none.
func own(l protocol.OwnLimits) *protocol.OwnLimits {
	if l == (protocol.OwnLimits{}) {
		return nil
	}
	return &l
}

// persist writes the file: to another name first, so that it is never half there.
func (m *metadata) persist() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log.Infof("NSQ: persisting topic/channel metadata to %s", m.path)
	file := metaFile{Version: version.Number}
	for _, t := range m.topics() {
		meta := metaTopic{Name: t.Name, Paused: t.Paused, Limits: own(t.Limits)}
		for _, c := range t.Channels {
			meta.Channels = append(meta.Channels, metaChannel{Name: c.Name, Paused: c.Paused, Limits: own(c.Limits)})
		}
		file.Topics = append(file.Topics, meta)
	}
	text, err := json.Marshal(file)
	if err != nil {
		return err
	}
	// The lock on the folder makes the name ours, so what a crash leaves is overwritten.
	temp := m.path + ".tmp"
	if err = m.write(temp, text); err == nil {
		err = m.fs.Rename(temp, m.path)
	}
	if err != nil {
		m.fs.Remove(temp) //nolint:errcheck // the first error counts
		return err
	}
	return m.fs.SyncDir(filepath.Dir(m.path))
}

func (m *metadata) read() (text []byte, err error) {
	f, err := m.fs.OpenFile(m.path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	return io.ReadAll(io.NewSectionReader(f, 0, size))
}

func (m *metadata) write(name string, text []byte) error {
	f, err := m.fs.Create(name)
	if err != nil {
		return err
	}
	_, err = f.WriteVecAt(0, text)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// changed has the file written soon. Changes that come together are written together.
func (m *metadata) changed() {
	select {
	case m.dirty <- struct{}{}:
	default:
	}
}

// gather is how long a change waits for others to be written with it. Nothing is
// at risk meanwhile: topics and channels are also known from their logs.
const gather = 100 * time.Millisecond

// persistRetry is how long run waits before it tries again what failed.
const persistRetry = time.Second

// run writes the file after changes, until that goes well, until ctx ends.
func (m *metadata) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.dirty:
		}
		for wait := gather; ; wait = persistRetry {
			select {
			case <-ctx.Done():
				return // it is written at exit
			case <-time.After(wait):
			}
			err := m.persist()
			if err == nil {
				break
			}
			m.log.Errorf("failed to persist metadata - %s", err)
		}
	}
}
