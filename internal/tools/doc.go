// Package tools has the six programs that stand beside the daemons, each in a
// room of its own:
//
//	nsq_stat     stat     prints the figures of a channel
//	nsq_tail     tail     prints the messages of topics
//	nsq_to_file  archive  writes topics to files
//	nsq_to_http  tohttp   sends each message to an HTTP server
//	nsq_to_nsq   relay    publishes messages to other nsqd
//	to_nsq       publish  publishes its input
//
// What several need is in client, what is sent to several targets in target.
// The tests of this package run the programs as their users do, against real
// daemons; those of the rooms do without processes.
package tools
