// Package stat is nsq_stat: it prints the figures of a channel, added up over
// all nodes, at intervals.
//
//	nsq_stat --lookupd-http-address=127.0.0.1:4161 --topic=clicks --channel=archive
//	nsq_stat --nsqd-http-address=127.0.0.1:4151 --topic=clicks --channel=archive --interval=1s --count=10
//
// The first answer is only what the first row's rates are counted from. Figures
// that lack a node would lie, so a node that does not answer ends the program.
package stat
