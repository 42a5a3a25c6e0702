// Package nsqadmin is the daemon that operators look through at a cluster and
// act on it. The JSON API (nsqadmin.md 4 and 5) asks the cluster anew with each
// request, over internal/cluster; the pages of package ui are drawn from what
// package collector has seen last, so that no node can hold them up. Both act
// through package actions. Package login is for those without a proxy that
// names the user.
package nsqadmin
