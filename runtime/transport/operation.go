package transport

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// operation is one operation of a connection, from its subscribe message on. It
// is the Sink of its subscription. There may be many: BenchmarkSubscriptionMemory.
type operation struct {
	id   string
	conn *conn // nil only in tests of the machine alone
	lane       // guarded by the connection's lock

	dropped atomic.Bool // the client has completed it: none of its frames may leave

	// Guarded by the connection's lock. live and slot are the machine's.
	live    bool         // neither side has ended it
	slot    bool         // the executor works on it
	cursors bool         // its responses have cursors
	work    Subscription // what the executor does for it; nil while it is being opened
}

// execution is a query or a mutation under way. It ends as a subscription does, but
// that there is none to count.
type execution context.CancelFunc

// Close implements Subscription.
func (e execution) Close() (ended bool) { e(); return false }

// Tell implements Subscription.
func (execution) Tell() {}

// subscribes tells whether it is no query and no mutation. The connection's lock is held.
func (op *operation) subscribes() bool {
	_, executes := op.work.(execution)
	return !executes
}

// Next implements Sink.
func (op *operation) Next(d graph.Delivery) (taken, skipped bool) {
	c := op.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.nextLocked(op, &d)
}

// Position implements Sink.
func (op *operation) Position(cursor string) {
	c := op.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.mu.queue.sealed && c.mu.machine.delivers(op) {
		c.mu.position(c, &op.lane, op, cursor, flowOf(c.tenant))
	}
}

// Ready implements Sink.
func (op *operation) Ready() bool {
	c := op.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.ready(flowOf(c.tenant).queueBytes)
}

// Error implements Sink.
func (op *operation) Error(errs graph.Errors) { op.conn.fail(op, errs) }

// Complete implements Sink.
func (op *operation) Complete() {
	c := op.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	c.performLocked(c.mu.machine.complete(op, nil))
	c.mu.machine.released(op)
}

// fail ends an operation with errors; the executor is done with it.
func (c *conn) fail(op *operation, errs graph.Errors) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.performLocked(c.mu.machine.fail(op, errs, nil))
	c.mu.machine.released(op)
}

func (c *conn) release(op *operation) {
	c.mu.Lock()
	c.mu.machine.released(op)
	c.mu.Unlock()
}

// start opens an operation and sets it going. It runs on the reader: a client
// that sends operations faster than they are validated waits for itself.
func (c *conn) start(op *operation, r graph.Request) {
	defer c.recovered()
	op.conn = c
	if over := c.tenant.TakeOperation(); over != nil {
		c.handler.config.Executor.Refused(c.tenant, abi.CodeLimitExceeded)
		c.fail(op, graph.Errors{overRateError(over)})
		return
	}
	o, errs := c.handler.config.Executor.Open(c.ctx, c.tenant, c.identity(), r)
	switch {
	case len(errs) > 0:
		c.fail(op, errs)
	case o.Kind() == graph.Subscription:
		c.subscribe(op, o, r.Extensions)
	default:
		if over := c.tenant.OverFuel(); over != nil {
			o.Close()
			c.handler.config.Executor.Refused(c.tenant, abi.CodeLimitExceeded)
			c.fail(op, graph.Errors{overRateError(over)})
			return
		}
		c.execute(op, o)
	}
}

// overRateError is the error of an operation that was not executed. On a socket it is the
// message error, which ends this operation and leaves the others.
func overRateError(over *tenant.RateError) *graph.Error {
	return &graph.Error{
		Message: over.Error(), Code: abi.CodeLimitExceeded,
		Extensions: fmt.Appendf(nil, `{"limit":%q,"retryAfterMs":%d}`, over.Limit, over.RetryAfterMillis()),
	}
}

func (c *conn) subscribe(op *operation, o Operation, extensions []byte) {
	resume, errs := readResume(extensions)
	if errs != nil {
		o.Close()
		c.fail(op, errs)
		return
	}
	s, errs := o.Subscribe(op, resume)
	if len(errs) > 0 {
		c.fail(op, errs)
		return
	}
	c.mu.Lock()
	op.work, op.cursors = s, resume.Cursors
	live := op.live
	c.mu.Unlock()
	if !live { // it ended before there was a subscription to stop
		c.stop(op)
	}
}

func (c *conn) execute(op *operation, o Operation) {
	ctx, cancel := context.WithCancel(c.ctx)
	c.mu.Lock()
	op.work = execution(cancel)
	live := op.live
	c.mu.Unlock()
	if !live {
		cancel()
		o.Close()
		c.release(op)
		return
	}
	c.tasks.Go(func() {
		defer c.recovered()
		defer c.release(op)
		defer cancel()
		response := o.Execute(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		c.nextLocked(op, &graph.Delivery{Response: response})
		c.performLocked(c.mu.machine.complete(op, nil))
	})
}

// stop ends the executor's work for an operation. It is called by the reader or
// by a task, never under the connection's lock nor from within a sink's call.
func (c *conn) stop(op *operation) {
	defer c.recovered()
	c.mu.Lock()
	work, subscribes := op.work, op.subscribes()
	c.mu.Unlock()
	if work == nil {
		return // it is being opened, and start finds that it ended
	}
	if work.Close() {
		c.handler.counts.closes(op.dropped.Load(), c.mu.ended())
	}
	if subscribes { // else execute releases it when it has returned
		c.release(op)
	}
}
