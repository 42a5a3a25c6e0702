//go:build !linux || race

package socket

import (
	"errors"
	"os"
)

func tryWrite(*os.File, []byte) (int, error) { return 0, errors.ErrUnsupported }
