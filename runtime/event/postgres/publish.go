package postgres

import (
	"context"
	"errors"
	"slices"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/runnel-dev/runnel/runtime/event"
)

// attempts is how often a statement is sent that can be, since connections of a
// pool may have ended unnoticed.
const attempts = maxConnections + 2

const (
	// sqlPatience is for ids that a transaction holds which stays open: who waits for it
	// has a connection that others need.
	sqlPatience = "select set_config('lock_timeout', '2s', true)"

	sqlPublish = "select last, added from runnel.publish_batch($1, $2, $3, $4, make_interval(secs => $5))"
	sqlAtLast  = "select max(position) from runnel.events where tenant = $1"
	sqlEnd     = `select greatest(
	(select max(position) from runnel.events where tenant = $1),
	(select position from runnel.event_floors where tenant = $1),
	(select max("to") from runnel.event_rewinds))`
)

// Publish implements event.Bus.
func (b *Bus) Publish(ctx context.Context, tenant string, events []event.Event, keep event.Retention) (event.Position, error) {
	channels, payloads, ids := make([]string, len(events)), make([]string, len(events)), make([]*string, len(events))
	for i := range events {
		e := &events[i]
		channels[i], payloads[i] = e.Channel, string(e.Payload)
		if e.ID != "" {
			ids[i] = &e.ID
		}
	}
	done, err := b.reserve(ctx, tenant, event.AmountOf(events))
	if err != nil {
		return "", b.failed(ctx, "publish for", tenant, err)
	}
	var fresh int64 // what was added lies in front of it, or is there
	defer func() { done(fresh) }()

	var last, newest *int64
	var added int
	send := func(conn *pgxpool.Conn) error {
		// Nothing is published to a server that came back behind before that is noted.
		if !b.view.knows(conn.Conn()) {
			if _, err := b.lookOn(ctx, conn.Conn()); err != nil {
				return err
			}
		}
		batch := &pgx.Batch{}
		named := keep.IDs > 0 && slices.ContainsFunc(ids, func(id *string) bool { return id != nil })
		if named {
			batch.Queue(sqlPatience)
		}
		batch.Queue(sqlPublish, tenant, channels, ids, payloads, keep.IDs.Seconds()).QueryRow(func(row pgx.Row) error { return row.Scan(&last, &added) })
		if newest = nil; named { // the last event may be known, and others not
			batch.Queue(sqlAtLast, tenant).QueryRow(func(row pgx.Row) error { return row.Scan(&newest) })
		}
		return conn.SendBatch(ctx, batch).Close()
	}
	if len(events) == 0 {
		send = func(conn *pgxpool.Conn) error { return conn.QueryRow(ctx, sqlEnd, tenant).Scan(&last) }
	}
	if err := b.do(ctx, pgconn.SafeToRetry, send); err != nil {
		return "", b.failed(ctx, "publish for", tenant, conflict(err, events))
	}
	if added > 0 {
		if fresh = *last; newest != nil {
			fresh = max(fresh, *newest)
		}
	}
	return position(*last), nil
}

// conflict makes a *ConflictError of what runnel.claim_ids raises.
func conflict(err error, events []event.Event) error {
	var answer *pgconn.PgError
	if !errors.As(err, &answer) || answer.ConstraintName != "event_ids_pkey" {
		return err
	}
	place, parseErr := strconv.Atoi(answer.Detail)
	if parseErr != nil || place < 1 || place > len(events) {
		return err
	}
	return &event.ConflictError{Index: place - 1, Channel: events[place-1].Channel, ID: events[place-1].ID}
}

// do runs f on a connection of the pool, and again where that was lost and again
// says that it may.
func (b *Bus) do(ctx context.Context, again func(error) bool, f func(*pgxpool.Conn) error) (err error) {
	for range attempts {
		conn, acquireErr := b.pool.Acquire(ctx)
		if acquireErr != nil {
			return acquireErr
		}
		err = f(conn)
		lost := conn.Conn().IsClosed()
		conn.Release()
		if err == nil || !lost || !again(err) {
			break
		}
	}
	return err
}

// always is for what changes nothing.
func always(error) bool { return true }

// reserve counts events as waiting, and has no more than some of a tenant's
// publishers take connections: they may wait for ids that others hold. done is
// called after publishing; a position of 0 says that nothing was added.
func (b *Bus) reserve(ctx context.Context, name string, n event.Amount) (done func(last int64), err error) {
	b.mu.Lock()
	t := b.tenantLocked(name)
	if _, left := b.mu.left[name]; left || !t.waiting.Reserve(n) {
		b.mu.Unlock()
		return nil, event.ErrFull
	}
	t.publishers++
	b.mu.Unlock()
	counted := func(last int64) {
		b.mu.Lock()
		defer b.mu.Unlock()
		t.publishers--
		at := event.Position("")
		if last > 0 {
			at = position(last)
		}
		if last > b.mu.seen.position {
			b.mu.seen = row{last, name}
		}
		if t.removed {
			at = ""
		}
		t.waiting.Settle(n, at)
	}
	select {
	case t.slots <- struct{}{}:
		return func(last int64) { <-t.slots; counted(last) }, nil
	case <-ctx.Done():
		counted(0)
		return nil, ctx.Err()
	}
}
