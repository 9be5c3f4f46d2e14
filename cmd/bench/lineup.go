package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// entrant is a server with its subscribers.
type entrant struct {
	*server
	fleet *fleet
}

// each starts the servers that are to be measured, does the work with all of them,
// and ends them.
func each(ctx context.Context, c *config, names []string, connections int, work func([]*entrant) error) (err error) {
	var chosen []kind
	for _, k := range kinds {
		if slices.Contains(c.only, k.name) && (names == nil || slices.Contains(names, k.name)) {
			chosen = append(chosen, k)
		}
	}
	if err := raiseOpenFiles(uint64(len(chosen)*connections + 100)); err != nil {
		return err
	}
	var entrants []*entrant
	defer func() {
		for _, e := range entrants {
			if e.fleet != nil {
				err = errors.Join(err, e.fleet.close())
			}
			err = errors.Join(err, e.stop())
		}
	}()
	for _, k := range chosen {
		s, err := k.start(ctx, c)
		if err != nil {
			return err
		}
		entrants = append(entrants, &entrant{server: s})
	}
	return work(entrants)
}

// connect makes the server's subscribers, and sends one order to everyone's.
func (e *entrant) connect(ctx context.Context, connections int, customer func(int) int) error {
	var err error
	if e.fleet, err = connect(ctx, e.address, e.socket, connections, customer); err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	return nil
}

// load is what is published to a server in a turn.
type load struct {
	requests  int
	every     time.Duration // from a request to the next
	events    int           // of each request
	receivers int           // of each event
	customer  func(n int) int
}

// figures are what a server took for a load.
type figures struct {
	messages  int
	events    int
	processor time.Duration // of the server
	own       time.Duration // of the load generator
	latencies []time.Duration
}

func (f figures) perMessage() float64 { return float64(f.processor) / float64(f.messages) }

// deliver publishes, and waits until all is delivered.
func (e *entrant) deliver(ctx context.Context, l load) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(l.requests)*l.every+30*time.Second)
	defer cancel()
	e.fleet.begin()
	var requests [][]int
	for r := range l.requests {
		var numbers []int
		for i := range l.events {
			numbers = append(numbers, e.fleet.expect(l.customer(r*l.events+i), "", l.receivers))
		}
		requests = append(requests, numbers)
	}
	before, err := processorTime(e.pid())
	if err != nil {
		return figures{}, err
	}
	own := bench.ProcessorTime()
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for _, numbers := range requests {
		payloads := make([][]byte, len(numbers))
		for i, n := range numbers {
			payloads[i] = e.fleet.payload(n)
		}
		e.fleet.published(numbers...)
		if err := e.publish(ctx, payloads...); err != nil {
			return figures{}, err
		}
		<-tick.C
	}
	latencies, err := e.fleet.wait(ctx)
	if err != nil {
		return figures{}, fmt.Errorf("%s: %w", e.name, err)
	}
	after, err := processorTime(e.pid())
	return figures{
		messages: len(latencies), events: l.requests * l.events,
		processor: after - before, own: bench.ProcessorTime() - own, latencies: latencies,
	}, err
}

func loopback(port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
}
