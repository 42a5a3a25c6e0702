// Package actions carries out what operators ask for, whether by the API or by a
// page: it commands the cluster, tells the notification endpoint (nsqadmin.md
// 10) and remembers who did what with which result, node by node.
package actions
