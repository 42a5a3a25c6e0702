// Package relay is nsq_to_nsq: it publishes messages to other nsqd.
//
//	nsq_to_nsq --lookupd-http-address=a:4161 --topic=clicks --destination-nsqd-tcp-address=b:4150
//	nsq_to_nsq --nsqd-tcp-address=a:4150 --topic=clicks --topic=views --destination-topic=events \
//		--destination-nsqd-tcp-address=b:4150 --destination-nsqd-tcp-address=c:4150
//	nsq_to_nsq --nsqd-tcp-address=a:4150 --topic=clicks --destination-topic=german_clicks --destination-nsqd-tcp-address=a:4150 \
//		--require-json-field=country --require-json-value=de --whitelist-json-field=user --whitelist-json-field=time
//
// A message goes to one destination, and is finished when that has acknowledged
// it. If it does not, or cannot be reached, the message comes again later, and
// all wait a while with it (backoff); after max_attempts (--consumer-opt, 5 by
// default) it is dropped.
package relay
