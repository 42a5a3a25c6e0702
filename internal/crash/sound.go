package main

import (
	"bytes"
	"errors"
	"fmt"

	"nsqsuite/internal/process"
)

// barrierError is in what nsqd logs of each barrier.
const barrierError = "failed ID not in flight"

var (
	errDamage = errors.New("nsqd found its files damaged, though nothing but its own end befell them")
	damage    = []byte("are damaged")
	puzzled   = []byte("are not understood")
)

// sound tells whether nsqd understood all that it had written before.
func sound(p *process.Process) error {
	if log := p.Log(); bytes.Contains(log, damage) || bytes.Contains(log, puzzled) {
		return fmt.Errorf("%w\n%s", errDamage, p)
	}
	return nil
}
