// Package tail is nsq_tail: it prints what is published to topics.
//
//	nsq_tail --lookupd-http-address=127.0.0.1:4161 --topic=clicks
//	nsq_tail --nsqd-tcp-address=127.0.0.1:4150 --topic=clicks --topic=views --print-topic
//	nsq_tail --nsqd-tcp-address=127.0.0.1:4150 --topic=clicks -n 10 | jq .
//
// Each body is written in one piece with a newline behind it, and finished once
// it is out; what can no longer be shown is given back. With -n the ready count
// goes down with what is left to show, so that nsqd delivers no more than that
// (with several nsqd: hardly more) and the backlog stays as it was. A topic that
// has no other channel yet holds what was not printed for the one that comes.
package tail
