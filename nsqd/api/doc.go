// Package api is nsqd's HTTP API (nsqd-http-and-config.md part 1): publishing,
// statistics, and what operators do to topics and channels.
package api
