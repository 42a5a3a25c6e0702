package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"

	"nsqsuite/internal/process"
)

const (
	diskSize = 128 << 20
	// goingDown is the ioctl that ends an ext4 file system at once, and noLogFlush
	// has it write nothing more: what is not on the disk by then never gets there.
	goingDown  = 0x8004587d // _IOR('X', 125, uint32)
	noLogFlush = 2
)

// errNoDisk says that this machine, or this user, cannot make a disk to cut off.
var errNoDisk = errors.New("no disk to cut the power of: that takes root, mkfs.ext4 and loop devices")

// disk is a file system of its own whose power can be cut.
type disk struct {
	image string
	dir   string // where it is mounted
}

// newDisk makes a disk below dir.
func newDisk(dir string) (*disk, error) {
	d := &disk{image: filepath.Join(dir, "disk.img"), dir: filepath.Join(dir, "disk")}
	if err := os.Mkdir(d.dir, 0o700); err != nil {
		return nil, err
	}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		return nil, err
	}
	if err := os.Truncate(d.image, diskSize); err != nil {
		return nil, err
	}
	for _, err := range []error{command("mkfs.ext4", "-q", "-F", d.image), d.mount()} {
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNoDisk, err)
		}
	}
	return d, nil
}

func command(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

func (d *disk) mount() error { return command("mount", "-o", "loop", d.image, d.dir) }

func (d *disk) remove() error { return command("umount", d.dir) }

// cut cuts the power of the machine that p runs on, so to speak: p does nothing
// more, then the disk, and both are gone. The disk comes back with what it had.
func (d *disk) cut(p *process.Process) error {
	if err := p.Suspend(); err != nil {
		return err
	}
	defer p.Kill()
	f, err := os.Open(d.dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.IoctlSetPointerInt(int(f.Fd()), goingDown, noLogFlush); err != nil {
		return fmt.Errorf("ending the file system: %w", err)
	}
	return nil
}

// back brings the disk back after a cut.
func (d *disk) back() error { return errors.Join(d.remove(), d.mount()) }
