// Command producer publishes each line of its standard input to topic "test".
package main

import (
	"bufio"
	"log"
	"os"

	"github.com/nsqio/go-nsq"
)

func main() {
	address := "127.0.0.1:4150"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	producer, err := nsq.NewProducer(address, nsq.NewConfig())
	if err != nil {
		log.Fatal(err)
	}
	defer producer.Stop()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		if err := producer.Publish("test", lines.Bytes()); err != nil {
			log.Fatal(err)
		}
	}
}
