// Package metrics is what the three daemons' /metrics have in common: a registry
// with the figures of the process, of the Go runtime and of the HTTP API, and the
// route that shows it in the formats of Prometheus.
//
// Names follow the conventions of Prometheus: the program, the thing, the unit in
// base units, and _total behind counters. Every label has a bounded set of values:
// routes, methods and status codes here, and what each daemon bounds by itself.
package metrics
