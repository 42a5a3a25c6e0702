// Package metrics is what nsqd tells Prometheus of its topics and channels.
//
// A scrape asks the broker for the same figures as /stats, and takes no lock that
// /stats does not take. Only the latencies cost something per message, so they are
// measured only where they are asked for (--metrics-latency).
//
// The number of series is bounded: each topic and channel has labels of its own
// as long as all its series fit (first come, first served, for as long as it
// lives); all others are summed under "(other)". A sum that would fall because
// one of them is gone stays where it was, so that no rate jumps.
package metrics
