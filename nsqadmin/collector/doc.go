// Package collector watches a cluster, so that a page never waits for a node.
//
// In a cycle, every two seconds, it asks all nsqlookupd which nodes there are
// and all nodes what they hold, each in a goroutine and with a deadline of its
// own. Who has not answered when the cycle ends is asked on, and not asked again
// before. Then the cycle publishes a Snapshot: immutable, the cluster as it is
// known. A node that has gone silent keeps its last values, marked stale, until
// they are forgetAfter old.
//
// Counters become rates node by node, between two reports of the same node. One
// that has shrunk has been reset: what it shows has come since. Percentiles
// are never averaged.
//
// A short history is kept in memory: each cycle for five minutes and one of
// fifteen for two hours, of the cluster, the nodes, topics and channels, of at
// most MaxSeries things. What is told apart by it (growing, requeued more than
// usual) is in attention.go.
package collector
