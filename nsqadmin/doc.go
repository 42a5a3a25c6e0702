// Package nsqadmin is the daemon that operators look through at a cluster: a
// JSON API (nsqadmin.md 4) and the pages of package ui, both over
// internal/cluster. It keeps nothing; each request asks the cluster anew.
package nsqadmin
