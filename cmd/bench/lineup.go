//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// entrant is a server with its subscribers.
type entrant struct {
	*server
	fleet *fleet
}

// lineup starts those of the named servers that are to be measured, has the work done
// with them, and ends them. Each is to have so many connections.
func lineup(ctx context.Context, c *config, names []string, connections int, work func([]*entrant) error) (err error) {
	var chosen []kind
	for _, k := range kinds {
		if slices.Contains(c.only, k.name) && slices.Contains(names, k.name) {
			chosen = append(chosen, k)
		}
	}
	if err := raiseOpenFiles(uint64(len(chosen)*connections + 200)); err != nil {
		return err
	}
	var entrants []*entrant
	defer func() {
		for _, e := range entrants {
			if ended := e.ended(); err != nil && ended != nil {
				err = errors.Join(err, ended)
			}
			if e.fleet != nil {
				if broken := e.fleet.close(); err == nil { // else that is the error already
					err = broken
				}
			}
			err = errors.Join(err, e.stop())
		}
	}()
	for _, k := range chosen {
		s, err := k.start(ctx, c)
		if err != nil {
			return err
		}
		c.versions[k.name] = s.version
		entrants = append(entrants, &entrant{server: s})
	}
	return work(entrants)
}

// subscribe connects so many subscribers to each server, and waits until they are live.
func subscribe(ctx context.Context, entrants []*entrant, connections int, customer func(int) int) error {
	for _, e := range entrants {
		if err := e.connect(ctx, connections, customer); err != nil {
			return err
		}
		if err := e.live(ctx); err != nil {
			return fmt.Errorf("%s: %w", e.name, err)
		}
	}
	return nil
}

// live publishes until every subscriber has received an order, as no message of the
// protocol says that a subscription has begun.
func (e *entrant) live(ctx context.Context) error {
	const (
		pause  = 20 * time.Millisecond
		most   = 500 // looks at who has received
		again  = 25  // looks, after which one more order is published
		inOnce = 500 // orders of a request
	)
	for look := range most {
		silent, err := e.fleet.silent()
		if err != nil || len(silent) == 0 {
			return err
		}
		if look%again == 0 {
			for customers := range slices.Chunk(silent, inOnce) {
				var numbers []int
				for _, c := range customers {
					numbers = append(numbers, e.fleet.expect(c, "", 0))
				}
				if err := e.publish(ctx, e.fleet.take(numbers)...); err != nil {
					return err
				}
			}
		}
		if err := sleep(ctx, pause); err != nil {
			return err
		}
	}
	return fmt.Errorf("there are subscribers that got nothing within %v", most*pause)
}

func (e *entrant) connect(ctx context.Context, connections int, customer func(int) int) (err error) {
	if e.fleet, err = connect(ctx, e.address, e.socket, connections, customer); err != nil {
		return fmt.Errorf("%s: %w", e.name, err)
	}
	return nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// load is what is published to a server in a turn.
type load struct {
	requests  int
	every     time.Duration // from a request to the next
	events    int           // of each request
	receivers int           // of each event
	customer  func(event int) int
}

// paced makes a load of so many requests a second, for as long as a turn.
func (c *config) paced(requests float64, events, receivers int, customer func(int) int) load {
	return load{
		requests: max(1, int(requests*c.turn.Seconds())), every: time.Duration(float64(time.Second) / requests),
		events: events, receivers: receivers, customer: customer,
	}
}

// figures are what a server took for a load.
type figures struct {
	messages  int
	processor time.Duration // of the server
	own       time.Duration // of the load generator
	latencies []time.Duration
	late      bool // the server did not keep up
	pinged    bool // the server sent keep-alives meanwhile
}

// withoutPings repeats a turn into which keep-alives fall: they come all together, and
// have nothing to do with the load.
func withoutPings(turn func() (figures, error)) (f figures, err error) {
	const tries = 3
	for range tries {
		if f, err = turn(); err != nil || !f.pinged {
			break
		}
	}
	return f, err
}

// deliver publishes, and waits until all is delivered.
func (e *entrant) deliver(ctx context.Context, l load) (figures, error) {
	planned := time.Duration(l.requests) * l.every
	ctx, cancel := context.WithTimeout(ctx, planned+30*time.Second)
	defer cancel()
	e.fleet.begin()
	requests := make([][]int, l.requests)
	for i := range l.requests * l.events {
		requests[i/l.events] = append(requests[i/l.events], e.fleet.expect(l.customer(i), "", l.receivers))
	}
	processor, err := processorTime(e.pid())
	if err != nil {
		return figures{}, err
	}
	own, start := bench.ProcessorTime(), time.Now()
	tick := time.NewTicker(l.every)
	defer tick.Stop()
	for _, numbers := range requests {
		if err := e.publish(ctx, e.fleet.take(numbers)...); err != nil {
			return figures{}, err
		}
		<-tick.C // after the last one, too: what a server does behind the delivery counts
	}
	w, err := e.fleet.wait(ctx)
	if err != nil {
		return figures{}, fmt.Errorf("%s: %w", e.name, err)
	}
	after, err := processorTime(e.pid())
	return figures{
		messages: len(w.latencies), processor: after - processor, own: bench.ProcessorTime() - own,
		latencies: w.latencies, late: time.Since(start) > planned+planned/10+l.every, pinged: w.pings > 0,
	}, err
}

// compare gives each server its turn in each round, after one that warms up, and
// returns their figures by name, round by round.
func compare(ctx context.Context, c *config, entrants []*entrant, l load) (map[string][]figures, error) {
	measured := map[string][]figures{}
	for round := range c.rounds + 1 {
		for _, e := range entrants {
			f, err := withoutPings(func() (figures, error) { return e.deliver(ctx, l) })
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(c.log, "  %s: %s a message, %s of the load generator\n",
				e.name, bench.Duration(f.perMessage()), bench.Duration(float64(f.own)/float64(f.messages)))
			if round > 0 {
				measured[e.name] = append(measured[e.name], f)
			}
		}
	}
	return measured, nil
}
