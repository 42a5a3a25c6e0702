// Package tohttp is nsq_to_http: it sends each message to an HTTP server.
//
//	nsq_to_http --lookupd-http-address=127.0.0.1:4161 --topic=clicks --post=http://127.0.0.1:8080/in
//	nsq_to_http --nsqd-tcp-address=127.0.0.1:4150 --topic=clicks --get='http://a/track?m=%s' --get='http://b/track?m=%s'
//	nsq_to_http --nsqd-tcp-address=127.0.0.1:4150 --topic=clicks --post=http://a/ --post=http://b/ --mode=all --sample=0.1
//
// A message is finished when its server has answered well: with any 2xx to POST,
// with 200 to GET. Otherwise it comes again later, and all wait a while with it
// (backoff); after max_attempts (--consumer-opt, 5 by default) it is dropped.
package tohttp
