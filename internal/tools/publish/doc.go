// Package publish is to_nsq: it publishes its input, a message a line.
//
//	tail -F app.log | to_nsq --topic=log --nsqd-tcp-address=127.0.0.1:4150
//	to_nsq --topic=test --rate=100 --nsqd-tcp-address=a:4150 --nsqd-tcp-address=b:4150 <messages
//
// Every message goes to every nsqd. Messages are sent without waiting for each
// answer, a bounded number ahead; the first refusal ends the program, and none is
// taken for published whose OK is missing.
package publish
