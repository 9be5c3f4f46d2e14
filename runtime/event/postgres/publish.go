package postgres

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

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
	sqlEnd     = `select greatest(
	(select max(position) from runnel.events where tenant = $1),
	(select position from runnel.event_floors where tenant = $1),
	(select max("to") from runnel.event_rewinds))`
)

// publication is what was published and not handed out yet.
type publication struct {
	last          int64
	at            time.Time
	events, bytes int
}

// Publish implements event.Bus.
func (b *Bus) Publish(ctx context.Context, tenant string, events []event.Event, keep event.Retention) (event.Position, error) {
	p := publication{events: len(events), at: time.Now()}
	channels, payloads, ids := make([]string, len(events)), make([]string, len(events)), make([]*string, len(events))
	for i := range events {
		e := &events[i]
		channels[i], payloads[i] = e.Channel, string(e.Payload)
		if e.ID != "" {
			ids[i] = &e.ID
		}
		p.bytes += size(e)
	}
	done, err := b.reserve(ctx, tenant, p)
	if err != nil {
		return "", b.failed(ctx, "publish for", tenant, err)
	}
	defer func() { done(p) }()

	var last *int64
	var added int
	send := func(conn *pgxpool.Conn) error {
		// Nothing is published to a server that came back behind before that is noted.
		if !b.view.knows(conn.Conn()) {
			if _, err := b.lookOn(ctx, conn.Conn()); err != nil {
				return err
			}
		}
		batch := &pgx.Batch{}
		if keep.IDs > 0 && slices.ContainsFunc(ids, func(id *string) bool { return id != nil }) {
			batch.Queue(sqlPatience)
		}
		batch.Queue(sqlPublish, tenant, channels, ids, payloads, keep.IDs.Seconds()).QueryRow(func(row pgx.Row) error { return row.Scan(&last, &added) })
		return conn.SendBatch(ctx, batch).Close()
	}
	if len(events) == 0 {
		send = func(conn *pgxpool.Conn) error { return conn.QueryRow(ctx, sqlEnd, tenant).Scan(&last) }
	}
	if err := b.do(ctx, pgconn.SafeToRetry, send); err != nil {
		return "", b.failed(ctx, "publish for", tenant, conflict(err, events))
	}
	if added > 0 {
		p.last = *last
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
func (b *Bus) reserve(ctx context.Context, name string, p publication) (done func(publication), err error) {
	b.mu.Lock()
	t := b.tenantLocked(name)
	if t.waiting.events+p.events > event.MaxWaitingEvents || t.waiting.bytes+p.bytes > event.MaxWaitingBytes {
		b.mu.Unlock()
		return nil, event.ErrFull
	}
	t.waiting.events += p.events
	t.waiting.bytes += p.bytes
	t.publishers++
	b.mu.Unlock()
	done = func(p publication) {
		b.mu.Lock()
		defer b.mu.Unlock()
		t.publishers--
		if p.last > b.mu.seen.position {
			b.mu.seen = row{p.last, name}
		}
		if p.last <= t.handed { // also where nothing was added
			t.waiting.events -= p.events
			t.waiting.bytes -= p.bytes
			return
		}
		t.published = append(t.published, p)
		if p.last > t.read {
			t.unread = append(t.unread, p)
		}
	}
	select {
	case t.slots <- struct{}{}:
		counted := done
		return func(p publication) { <-t.slots; counted(p) }, nil
	case <-ctx.Done():
		p.last = 0
		done(p)
		return nil, ctx.Err()
	}
}
