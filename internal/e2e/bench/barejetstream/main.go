// Command barejetstream is the reference of submissions to a cluster: the least that stores a message of that size durably on three
// servers. It publishes to a replicated stream on files from so many goroutines, each again once it was acknowledged, and prints how often a second.
//
//	barejetstream URL CA-FILE PUBLISHERS BYTES DURATION
package main

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "barejetstream:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 5 {
		return fmt.Errorf("usage: barejetstream URL CA-FILE PUBLISHERS BYTES DURATION")
	}
	publishers, err := strconv.Atoi(args[2])
	if err != nil {
		return err
	}
	size, err := strconv.Atoi(args[3])
	if err != nil {
		return err
	}
	d, err := time.ParseDuration(args[4])
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), d+time.Minute)
	defer cancel()
	nc, err := nats.Connect(args[0], nats.RootCAs(args[1]), nats.CustomInboxPrefix("atg.inbox")) // what the service's user may use
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "BARE", Subjects: []string{"atg.bare"}, Storage: jetstream.FileStorage, Replicas: 3}); err != nil {
		return err
	}
	message := make([]byte, size)
	var n atomic.Int64
	var failed atomic.Pointer[error]
	var all sync.WaitGroup
	began := time.Now()
	for range publishers {
		all.Go(func() {
			for time.Since(began) < d && failed.Load() == nil {
				if _, err := js.Publish(ctx, "atg.bare", message); err != nil {
					failed.Store(&err)
					return
				}
				n.Add(1)
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	if err := js.DeleteStream(ctx, "BARE"); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return *err
	}
	_, err = fmt.Println(float64(n.Load()) / took.Seconds())
	return err
}
