package nsqd

import (
	"errors"
	"fmt"
	"path"

	"nsqsuite/internal/httpapi"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/broker"
)

var errNoLookupd = errors.New("no nsqlookupd is connected")

// checks are what /readyz looks at. That the daemon listens and has loaded its
// metadata is no check: before that it does not answer.
func (n *NSQD) checks() []httpapi.Check {
	list := []httpapi.Check{
		httpapi.Checked("data_path", errors.Join(n.broker.Health(), n.writable())),
		httpapi.Checked("draining", n.draining()),
	}
	if n.options.ReadyNeedsLookupd {
		var err error
		if len(n.lookup.Connected()) == 0 {
			err = errNoLookupd
		}
		list = append(list, httpapi.Checked("nsqlookupd", err))
	}
	return list
}

func (n *NSQD) draining() error {
	if n.broker.Draining() {
		return broker.ErrDraining
	}
	return nil
}

// probeFile is written and removed to see whether the data path can be written to.
const probeFile = "nsqd.probe"

func (n *NSQD) writable() error {
	n.probing.Lock()
	defer n.probing.Unlock()
	name := path.Join(n.options.DataPath, probeFile)
	f, err := vfs.OS.Create(name)
	if err != nil {
		return fmt.Errorf("data path is not writable: %w", err)
	}
	_, err = f.WriteVecAt(0, []byte("ok\n"))
	if err = errors.Join(err, f.Close(), vfs.OS.Remove(name)); err != nil {
		return fmt.Errorf("data path is not writable: %w", err)
	}
	return nil
}
