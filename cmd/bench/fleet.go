//go:build linux

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// fleet is many connections to one server, whose messages one goroutine reads and
// checks, byte for byte. They ask for no receipt: that a message is missing shows in
// the window it belongs to.
type fleet struct {
	poller  *poller
	clients []*client
	reading sync.WaitGroup

	mu     sync.Mutex
	orders []order // by number
	// What stands around an order in the messages of this server, learned from the
	// first one, which was decoded.
	before, after []byte
	window        window
	closing       bool
	err           error
}

// client is a connection with one subscription.
type client struct {
	fd       int
	customer int
	last     int    // number of the newest order that was received, -1 before
	rest     []byte // of a frame that has not come whole
}

// window is the deliveries of the orders from a first one on.
type window struct {
	first     int
	missing   int
	pings     int
	latencies []time.Duration
	done      chan struct{} // closed when nothing is missing, or the fleet has failed
}

// operationID is that of all subscriptions, as each has a connection of its own.
const operationID = "1"

// connecting is how many connections are made at a time: below what a server
// allows that are not acknowledged yet.
const connecting = 16

// connect makes connections, each of which subscribes to the orders of the customer
// that customer names for its number; without it none subscribes.
func connect(ctx context.Context, address netip.AddrPort, path string, connections int, customer func(int) int) (*fleet, error) {
	p, err := newPoller()
	if err != nil {
		return nil, err
	}
	f := &fleet{poller: p, clients: make([]*client, connections)}
	failed := make(chan error, connecting)
	var workers sync.WaitGroup
	for w := range connecting {
		workers.Go(func() {
			for i := w; i < connections && ctx.Err() == nil; i += connecting {
				if err := f.open(i, address, path, customer); err != nil {
					failed <- fmt.Errorf("connection %d: %w", i, err)
					return
				}
			}
		})
	}
	workers.Wait()
	select {
	case err = <-failed:
	default:
		err = ctx.Err()
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	f.reading.Go(f.read)
	return f, nil
}

func (f *fleet) open(i int, address netip.AddrPort, path string, customer func(int) int) error {
	fd, err := dial(address, path, 0)
	if err != nil {
		return err
	}
	f.clients[i] = &client{fd: fd, last: -1}
	if customer != nil {
		f.clients[i].customer = customer(i)
		if err := send(fd, appendFrame(nil, opText, subscribeMessage(operationID, customer(i)))); err != nil {
			return err
		}
	}
	if err := syscall.SetNonblock(fd, true); err != nil {
		return err
	}
	return f.poller.add(fd, i)
}

// close closes all connections, and returns what went wrong before.
func (f *fleet) close() error {
	f.mu.Lock()
	f.closing = true
	f.mu.Unlock()
	f.reading.Wait()
	err := f.err
	for _, c := range f.clients {
		if c != nil {
			err = errors.Join(err, syscall.Close(c.fd))
		}
	}
	return errors.Join(err, f.poller.close())
}

// expect enters an order, so that it may be received, and returns its number. So
// many connections are to get it.
func (f *fleet) expect(customer int, status string, receivers int) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	number := len(f.orders)
	f.orders = append(f.orders, newOrder(number, customer, status))
	f.window.missing += receivers
	return number
}

// take returns the payloads of orders whose request is about to be sent.
func (f *fleet) take(numbers []int) [][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	payloads := make([][]byte, len(numbers))
	now := time.Now()
	for i, n := range numbers {
		f.orders[n].published = now
		payloads[i] = f.orders[n].payload
	}
	return payloads
}

// silent returns the customers of connections that have received nothing so far.
func (f *fleet) silent() ([]int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	customers := map[int]struct{}{}
	for _, c := range f.clients {
		if c.last < 0 {
			customers[c.customer] = struct{}{}
		}
	}
	return slices.Sorted(maps.Keys(customers)), f.err
}

// begin opens a window.
func (f *fleet) begin() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.window = window{first: len(f.orders), done: make(chan struct{})}
	if f.err != nil {
		close(f.window.done)
	}
}

// wait waits until every order was received by all who were to get it, and returns
// the window.
func (f *fleet) wait(ctx context.Context) (window, error) {
	select {
	case <-f.window.done:
	case <-ctx.Done():
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.err != nil:
		return window{}, f.err
	case f.window.missing > 0:
		return window{}, fmt.Errorf("%d messages have not come: %w", f.window.missing, ctx.Err())
	}
	return f.window, nil
}

// read reads until the fleet is closed, or a message is wrong.
func (f *fleet) read() {
	var ready []int
	buffer := make([]byte, 256<<10)
	for {
		var err error
		if ready, err = f.poller.wait(ready[:0], 100*time.Millisecond); err == nil {
			err = f.readAll(ready, buffer)
		}
		if err != nil {
			if !errors.Is(err, errClosing) {
				f.fail(err)
			}
			return
		}
	}
}

var errClosing = errors.New("closing")

func (f *fleet) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
	if f.window.done != nil && f.window.missing > 0 {
		close(f.window.done)
	}
}

func (f *fleet) readAll(ready []int, buffer []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closing {
		return errClosing
	}
	before := f.window.missing
	for _, i := range ready {
		if err := f.readOne(f.clients[i], buffer); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	if before > 0 && f.window.missing == 0 {
		close(f.window.done)
	}
	return nil
}

func (f *fleet) readOne(c *client, buffer []byte) error {
	n, err := readNow(c.fd, buffer)
	switch {
	case errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EINTR):
		return nil
	case err != nil:
		return fmt.Errorf("read: %w", err)
	case n == 0:
		return io.ErrUnexpectedEOF
	}
	now := time.Now()
	b := buffer[:n]
	if len(c.rest) > 0 {
		b = append(c.rest, b...)
		c.rest = nil
	}
	for len(b) > 0 {
		opcode, payload, rest, err := parseFrame(b)
		if errors.Is(err, errPartial) {
			c.rest = bytes.Clone(b)
			return nil
		}
		if err == nil {
			err = f.handle(c, opcode, payload, now)
		}
		if err != nil {
			return err
		}
		b = rest
	}
	return nil
}

func (f *fleet) handle(c *client, opcode byte, payload []byte, now time.Time) error {
	switch opcode {
	case opText:
		if len(f.before) > 0 && bytes.HasPrefix(payload, f.before) {
			return f.delivered(c, payload[len(f.before):], now)
		}
		return f.other(c, payload, now)
	case opPing:
		f.window.pings++
		return send(c.fd, appendFrame(nil, opPong, payload))
	case opPong:
		return nil
	default:
		return fmt.Errorf("opcode %d, %.200q", opcode, payload)
	}
}

// delivered takes a message that is an order from b on.
func (f *fleet) delivered(c *client, b []byte, now time.Time) error {
	number, err := orderNumber(b)
	if err != nil {
		return err
	}
	if number >= len(f.orders) {
		return fmt.Errorf("%.200q was not published", b)
	}
	o := &f.orders[number]
	switch {
	case !bytes.HasPrefix(b, o.payload) || !bytes.Equal(b[len(o.payload):], f.after):
		return fmt.Errorf("%.300q, want %s%s", b, o.payload, f.after)
	case c.customer != everyone && c.customer != o.customer:
		return fmt.Errorf("the subscriber of customer %d got %s", c.customer, o.payload)
	case number <= c.last:
		return fmt.Errorf("order %d came after %d", number, c.last)
	}
	c.last = number
	if number < f.window.first {
		return nil
	}
	f.window.missing--
	f.window.latencies = append(f.window.latencies, now.Sub(o.published))
	return nil
}

func orderNumber(b []byte) (int, error) {
	digits, ok := bytes.CutPrefix(b, []byte(orderHead))
	end := bytes.IndexByte(digits, '"')
	if !ok || end < 0 {
		return 0, fmt.Errorf("%.200q is no order", b)
	}
	return strconv.Atoi(string(digits[:end]))
}

// other takes a message that is no order in the known form: the first order, or
// a ping.
func (f *fleet) other(c *client, text []byte, now time.Time) error {
	var message struct {
		Type    string
		ID      string
		Payload struct {
			Data   struct{ OrderUpdated any }
			Errors any
		}
	}
	if err := json.Unmarshal(text, &message); err != nil {
		return fmt.Errorf("%.200q: %w", text, err)
	}
	if message.Type == "ping" {
		f.window.pings++
		return send(c.fd, appendFrame(nil, opText, []byte(`{"type":"pong"}`)))
	}
	at := bytes.Index(text, []byte(orderHead))
	if message.Type != "next" || message.ID != operationID || message.Payload.Errors != nil || at < 0 || f.before != nil {
		return fmt.Errorf("unexpected message %.300q", text)
	}
	number, err := orderNumber(text[at:])
	if err != nil || number >= len(f.orders) {
		return fmt.Errorf("unexpected order %.300q", text)
	}
	var want any
	payload := f.orders[number].payload
	if err := json.Unmarshal(payload, &want); err != nil {
		return err
	}
	if !reflect.DeepEqual(message.Payload.Data.OrderUpdated, want) || !bytes.HasPrefix(text[at:], payload) {
		return fmt.Errorf("%.300q, want the order %s", text, payload)
	}
	f.before, f.after = bytes.Clone(text[:at]), bytes.Clone(text[at+len(payload):])
	return f.delivered(c, text[at:], now)
}
