package nsqd

import (
	"errors"
	"fmt"
	"io"

	"nsqsuite/internal/logging"
	"nsqsuite/internal/vfs"
	"nsqsuite/nsqd/takeover"
)

// Offline tells whether the options ask for Examine in place of serving.
func (o *Options) Offline() bool { return o.Check || o.Export != "" }

// Examine does what Options.Check and Options.Export ask for, with a data path
// that no nsqd uses, and writes to out what the check has found. Nothing in the
// data path changes. The error is takeover.ErrDamaged if the check found damage.
func Examine(o *Options, log *logging.Logger, out io.Writer) error {
	if o.Check && o.Export != "" {
		return errors.New("--check and --export exclude each other")
	}
	if o.MaxBytesPerFile <= 0 {
		return errors.New("--max-bytes-per-file must be more than 0")
	}
	if o.DataPath == "" {
		o.DataPath = "."
	}
	unlock, err := vfs.LockShared(o.DataPath)
	if err != nil {
		return fmt.Errorf("failed to lock data-path: %w", err)
	}
	defer unlock() //nolint:errcheck // the lock ends with the process at the latest
	topics, err := newMetadata(vfs.FrozenOS, o.DataPath, nil, log).load()
	if err != nil {
		return fmt.Errorf("failed to load metadata - %w", err)
	}
	if o.Check {
		return takeover.Check(vfs.FrozenOS, o.DataPath, topics, out)
	}
	b, err := takeover.Open(vfs.FrozenOS, o.DataPath, topics, log.Errorf, log.Warnf)
	if err != nil {
		return fmt.Errorf("failed to export - %w", err)
	}
	defer b.Close() //nolint:errcheck // it is only looked at
	if err := takeover.Export(vfs.OS, o.DataPath, b, o.Export, o.MaxBytesPerFile, log); err != nil {
		return fmt.Errorf("failed to export - %w", err)
	}
	if err := newMetadata(vfs.OS, o.Export, b.Meta, log).persist(); err != nil {
		return fmt.Errorf("failed to export metadata - %w", err)
	}
	return nil
}
