// Package version names the version of the suite and of its programs.
package version

import (
	"fmt"
	"runtime"
)

// Number is the version that the daemons report. Clients and nsqadmin parse it
// as a semantic version, and take features to exist from certain versions of
// NSQ on, so it is at least 1.3.0.
const Number = "1.3.1"

// String returns what --version prints for a program.
func String(program string) string {
	return fmt.Sprintf("%s v%s (built w/%s)", program, Number, runtime.Version())
}
