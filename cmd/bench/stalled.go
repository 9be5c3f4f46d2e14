//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/runnel-dev/runnel/runtime/bench"
)

// stalledTarget is for the ratio of the others' 99th percentiles.
const stalledTarget = 1.2

// The customers of whose orders everybody is told, and the one that stalls alone.
const (
	commonCustomer = iota
	stallingCustomer
)

// stallingStatus makes orders long, so that few of them fill a socket's buffers.
var stallingStatus = strings.Repeat("x", 60_000)

// stalled compares what the others wait for their messages beside a client that
// subscribes to the same and never reads, with what they wait without it.
func stalled(ctx context.Context, c *config) ([]bench.Row, error) {
	var rows []bench.Row
	for _, name := range []string{"runnel", "gqlgen", "node"} {
		err := lineup(ctx, c, []string{name}, c.broadcast, func(entrants []*entrant) error {
			for _, e := range entrants {
				row, err := e.besideStalled(ctx, c)
				if err != nil {
					return err
				}
				rows = append(rows, row)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func (e *entrant) besideStalled(ctx context.Context, c *config) (bench.Row, error) {
	common := func(int) int { return commonCustomer }
	if err := subscribe(ctx, []*entrant{e}, c.broadcast, common); err != nil {
		return bench.Row{}, err
	}
	l := c.paced(c.rate, 1, c.broadcast, common)
	var ratios, with, without []float64
	for round := range c.rounds + 1 {
		var tails [2]float64
		for i := range tails {
			beside := (i+round)%2 == 1 // which of the two comes first changes
			f, err := withoutPings(func() (figures, error) { return e.turn(ctx, l, beside) })
			if err != nil {
				return bench.Row{}, err
			}
			tails[i] = tail(f)
			if beside {
				with = append(with, tail(f))
			} else {
				without = append(without, tail(f))
			}
		}
		if n := len(with) - 1; round > 0 { // the first warms up
			ratios = append(ratios, with[n]/without[n])
		}
		fmt.Fprintf(c.log, "  %s: with %s, without %s\n", e.name, bench.Duration(with[round]), bench.Duration(without[round]))
	}
	row := bench.Row{
		What: fmt.Sprintf("one stalled of %d, %g a second, p99 of the others, with / without, %s", c.broadcast, c.rate, e.name),
		Measured: fmt.Sprintf("%s, %s / %s", bench.Spread(ratios),
			bench.Duration(bench.Median(with[1:])), bench.Duration(bench.Median(without[1:]))),
	}
	if e.name == "runnel" {
		row.Target, row.Verdict = fmt.Sprintf("≤ %.2g", stalledTarget), bench.AtMost(bench.Median(ratios), stalledTarget)
	}
	return row, nil
}

// turn delivers the load, beside a client that has stalled or without it.
func (e *entrant) turn(ctx context.Context, l load, beside bool) (f figures, err error) {
	if !beside {
		return e.deliver(ctx, l)
	}
	s, err := e.stall(ctx)
	if err != nil {
		return f, fmt.Errorf("%s: stall: %w", e.name, err)
	}
	defer func() { err = errors.Join(err, syscall.Close(s.fd)) }()
	if f, err = e.deliver(ctx, l); err != nil {
		return f, err
	}
	waiting, err := s.waiting()
	if err == nil && waiting == 0 {
		err = errors.New("the server has given the stalled client up")
	}
	return f, err
}

// staller is a client that does not read.
type staller struct {
	fd           int
	server, port uint16
}

// waiting is how much of what the server has sent the client has not taken.
func (s *staller) waiting() (int64, error) { return sendQueue(s.server, s.port) }

// settled is waiting after a while.
func (s *staller) settled(ctx context.Context, after time.Duration) (int64, error) {
	if err := sleep(ctx, after); err != nil {
		return 0, err
	}
	return s.waiting()
}

// stall connects a client that subscribes and never reads, and sends it orders of its
// own until the kernel takes no more of them from the server.
func (e *entrant) stall(ctx context.Context) (s *staller, err error) {
	const receiveBuffer = 1 // the kernel's least
	fd, err := dial(e.address, e.socket, receiveBuffer)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, syscall.Close(fd))
		}
	}()
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return nil, err
	}
	s = &staller{fd: fd, server: e.address.Port(), port: uint16(name.(*syscall.SockaddrInet4).Port)}
	for i, customer := range []int{commonCustomer, stallingCustomer} {
		if err := send(fd, appendFrame(nil, opText, subscribeMessage(strconv.Itoa(i+1), customer))); err != nil {
			return nil, err
		}
	}
	return s, e.fill(ctx, s)
}

// fill publishes to the staller until nothing more of it goes into the kernel.
func (e *entrant) fill(ctx context.Context, s *staller) error {
	const (
		most  = 200 // orders of 60 KB: far beyond what the kernel keeps for a socket
		pause = 5 * time.Millisecond
		sure  = 100 * time.Millisecond
	)
	before := int64(-1)
	for range most {
		number := e.fleet.expect(stallingCustomer, stallingStatus, 0)
		if err := e.publish(ctx, e.fleet.take([]int{number})...); err != nil {
			return err
		}
		waiting, err := s.settled(ctx, pause)
		if err == nil && waiting > 0 && waiting == before {
			waiting, err = s.settled(ctx, sure)
		}
		if err != nil || waiting > 0 && waiting == before {
			return err
		}
		before = waiting
	}
	return fmt.Errorf("%d long orders did not fill the socket: %d bytes wait", most, before)
}
