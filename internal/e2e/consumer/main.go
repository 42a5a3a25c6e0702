// Command consumer prints the messages of topic "test", channel "test-channel",
// of every nsqd that nsqlookupd knows, until it is interrupted.
package main

import (
	"fmt"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/nsqio/go-nsq"
)

type printer struct{}

func (printer) HandleMessage(m *nsq.Message) error {
	fmt.Printf("%s\n", m.Body)
	return nil
}

func main() {
	address := "127.0.0.1:4161"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	config := nsq.NewConfig()
	config.LookupdPollInterval = time.Second
	consumer, err := nsq.NewConsumer("test", "test-channel", config)
	if err != nil {
		log.Fatal(err)
	}
	consumer.AddHandler(printer{})
	if err := consumer.ConnectToNSQLookupd(address); err != nil {
		log.Fatal(err)
	}
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, syscall.SIGINT, syscall.SIGTERM)
	<-interrupted
	consumer.Stop()
	<-consumer.StopChan
}
