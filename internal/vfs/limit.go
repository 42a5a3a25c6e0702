package vfs

import "golang.org/x/sys/unix"

// Bounds of OpenFiles.
const (
	leastOpenFiles = 256
	mostOpenFiles  = 8192
)

// OpenFiles returns how many files at once a program that also has connections may
// keep open for speed: a quarter of what the system allows it (RLIMIT_NOFILE), at
// least 256 and at most 8192.
func OpenFiles() int {
	var limit unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &limit) != nil {
		return leastOpenFiles
	}
	return int(max(leastOpenFiles, min(limit.Cur/4, mostOpenFiles)))
}
