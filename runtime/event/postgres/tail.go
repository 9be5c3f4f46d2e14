package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/runnel-dev/runnel/runtime/database"
	"github.com/runnel-dev/runnel/runtime/event"
)

const (
	pollEvery = time.Second // where nothing wakes
	// While somebody is publishing it is looked more often: who commits at the same
	// time as another does not wake the readers.
	firstPause = 500 * time.Microsecond
	longPause  = 25 * time.Millisecond
	busyTime   = 2 * time.Second

	roundTime     = 30 * time.Second
	listenTime    = 30 * time.Second // then it is asked whether the connection lives, for at most askTime
	askTime       = 10 * time.Second
	firstBackOff  = 50 * time.Millisecond
	longBackOff   = 2 * time.Second
	tailRows      = 1000
	behindRows    = 256
	behindTenants = 16
)

const (
	sqlTail = `
with sized as (
	select e.*, sum(octet_length(payload)) over (order by position) as total, count(*) over () as found
	from (select ` + sqlColumns + ` from runnel.events where position > $1 and position <= $2 and tenant <> all ($3) order by position limit $4) e
)
select ` + sqlColumns + `, found from sized where total <= $5 or total = octet_length(payload)
union all
select position, tenant, null, null, null, null, 0 from runnel.event_floors where position > $1`

	sqlBehind = `
select e.position, q.tenant, e.channel, e.id, e.payload, e.time, coalesce(e.found, 0), f.position
from unnest($1::text[], $2::bigint[], $3::bigint[]) as q (tenant, after, up_to)
left join runnel.event_floors f on f.tenant = q.tenant and f.position > q.after
left join lateral (
	select * from (
		select e.*, sum(octet_length(payload)) over (order by position) as total, count(*) over () as found
		from (select ` + sqlColumns + ` from runnel.events v where v.tenant = q.tenant and v.position > q.after and v.position <= q.up_to order by v.position limit $4) e
	) e where total <= $5 or total = octet_length(payload)
) e on true`

	sqlRewind = `select "from", "to" from runnel.event_rewinds where "to" > $1 order by "to" limit 1`
)

// Tail implements event.Bus.
func (b *Bus) Tail(ctx context.Context, sink event.Sink) error {
	keeps := maps.Collect(sink.Tenants())
	b.mu.Lock()
	if b.mu.closed || b.mu.sink != nil {
		defer b.mu.Unlock()
		if b.mu.closed {
			return fmt.Errorf("tail the postgres bus: %w", event.ErrClosed)
		}
		return errors.New("tail the postgres bus: it is tailed already")
	}
	b.mu.sink, b.mu.ctx = sink, ctx
	for name, keep := range keeps {
		b.tenantLocked(name).keep = keep
	}
	for name, t := range b.mu.tenants {
		if len(t.queue) > 0 {
			b.drainLocked(name, t)
		}
	}
	b.mu.Unlock()

	woken := make(chan struct{}, 1)
	var group sync.WaitGroup
	group.Go(func() { b.listen(ctx, woken) })
	group.Go(func() { b.retain(ctx, sink) })
	b.follow(ctx, sink, woken)
	group.Wait()
	b.draining.Wait()
	b.mu.Lock()
	b.mu.sink = nil
	b.mu.Unlock()
	return nil
}

// listen wakes the tail when events are committed. It has a connection of its own.
func (b *Bus) listen(ctx context.Context, woken chan<- struct{}) {
	b.keepTrying(ctx, "no notifications are heard: events come up to a second later", func(ready func()) error {
		config := b.config.ConnConfig.Copy()
		config.RuntimeParams["application_name"] += " listen"
		conn, err := pgx.ConnectConfig(ctx, config)
		if err != nil {
			return err
		}
		defer database.Close(conn)
		if _, err := conn.Exec(ctx, "listen runnel_events"); err != nil {
			return err
		}
		ready()
		for {
			wake(woken)
			until, cancel := context.WithTimeout(ctx, listenTime)
			_, err := conn.WaitForNotification(until)
			silent := until.Err() != nil
			cancel()
			if err != nil && silent && !conn.IsClosed() {
				until, cancel := context.WithTimeout(ctx, askTime)
				_, err = conn.Exec(until, "select")
				cancel()
			}
			if err != nil {
				return err
			}
		}
	})
}

func wake(woken chan<- struct{}) {
	select {
	case woken <- struct{}{}:
	default:
	}
}

// keepTrying runs f until ctx ends, with pauses that grow until f calls ready.
func (b *Bus) keepTrying(ctx context.Context, what string, f func(ready func()) error) {
	failing := false
	for pause := firstBackOff; ctx.Err() == nil; pause = min(2*pause, longBackOff) {
		err := f(func() {
			if pause = firstBackOff; failing {
				failing = false
				b.logger.Info("the bus is reached again")
			}
		})
		if ctx.Err() != nil {
			return
		}
		if !failing {
			failing = true
			b.logger.Warn("the bus cannot be reached: "+what, "error", err)
		}
		sleep(ctx, jitter(pause))
	}
}

// jitter has nodes that lost the same server not come back at the same time.
func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// follow reads what is committed, on one connection of the pool.
func (b *Bus) follow(ctx context.Context, sink event.Sink, woken <-chan struct{}) {
	b.keepTrying(ctx, "events wait there", func(ready func()) error {
		conn, err := b.pool.Acquire(ctx)
		if err != nil {
			return err
		}
		defer conn.Release()
		pause, quiet := firstPause, time.Now()
		for {
			found, busy, err := b.round(ctx, conn, sink)
			if err != nil {
				_ = conn.Conn().Close(ctx) // it may be in the middle of something
				return err
			}
			ready()
			if found {
				pause, quiet = firstPause, time.Now()
				continue
			}
			wait := pollEvery
			if busy && time.Since(quiet) < busyTime {
				wait, pause = pause, min(2*pause, longPause)
			}
			timer := time.NewTimer(wait)
			select {
			case <-ctx.Done():
			case <-woken:
				pause, quiet = firstPause, time.Now()
			case <-b.drained:
			case <-timer.C:
			}
			timer.Stop()
			if ctx.Err() != nil {
				return ctx.Err()
			}
		}
	})
}

// round looks how far events are decided and hands out what is new. found tells
// that there was something, and may be more.
func (b *Bus) round(ctx context.Context, pooled *pgxpool.Conn, sink event.Sink) (found, busy bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	conn := pooled.Conn()
	decided, err := b.lookOn(ctx, conn)
	if err != nil {
		return false, false, err
	}
	upTo, rewind, err := b.ahead(ctx, conn, decided)
	if err != nil {
		return false, false, err
	}
	b.leaveBehind(decided, upTo)
	fresh, err := b.advance(ctx, conn, upTo)
	if err != nil {
		return false, false, err
	}
	late, err := b.catchUp(ctx, conn, decided)
	if err != nil {
		return false, false, err
	}
	if rewind.to > 0 && !fresh && !late {
		b.lost(sink, rewind)
		return true, false, nil
	}
	return fresh || late, decided.busy, nil
}

// rewind is where the database was put back.
type rewind struct{ from, to int64 }

// ahead is how far the tail may read on, and the rewind that comes then.
func (b *Bus) ahead(ctx context.Context, conn *pgx.Conn, decided bounds) (upTo int64, r rewind, err error) {
	cursor := b.cursor()
	if decided.rewound <= cursor {
		return decided.all, rewind{}, nil
	}
	if err := conn.QueryRow(ctx, sqlRewind, cursor).Scan(&r.from, &r.to); err != nil {
		return 0, rewind{}, fmt.Errorf("look for what was lost: %w", err)
	}
	return r.from, r, nil // it was made when nobody was publishing
}

func (b *Bus) cursor() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.cursor
}

// lost tells all tenants of a rewind, and goes on behind it.
func (b *Bus) lost(sink event.Sink, r rewind) {
	names := map[string]int64{}
	for name := range sink.Tenants() {
		names[name] = 0
	}
	b.mu.Lock()
	for name := range names {
		names[name] = b.mu.cursor
	}
	for name := range b.mu.tenants {
		names[name] = b.mu.cursor
	}
	maps.Copy(names, b.mu.behind)
	clear(b.mu.behind)
	clear(b.mu.left)
	b.mu.cursor = r.to
	b.mu.Unlock()
	b.logger.Warn("the database came back in an earlier state: events are lost", "from", r.from, "to", r.to)
	for name, at := range names {
		b.push(name, item{at: r.to, when: time.Now(), gap: &event.Gap{From: position(max(at, r.from)), To: position(r.to)}})
	}
}

// leaveBehind notes for which tenants less is decided than for the others.
func (b *Bus) leaveBehind(decided bounds, upTo int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, bound := range decided.some {
		if _, behind := b.mu.behind[name]; !behind && bound < upTo {
			b.mu.behind[name] = b.mu.cursor
		}
	}
}

// advance reads what follows of the tenants that are not behind.
func (b *Bus) advance(ctx context.Context, conn *pgx.Conn, upTo int64) (fresh bool, err error) {
	b.mu.Lock()
	cursor, behind := b.mu.cursor, append([]string{}, slices.Collect(maps.Keys(b.mu.behind))...)
	maps.DeleteFunc(b.mu.told, func(_ string, floor int64) bool { return floor <= cursor })
	b.mu.Unlock()
	rows, err := conn.Query(ctx, sqlTail, cursor, upTo, behind, tailRows, pageBytes)
	if err != nil {
		return false, fmt.Errorf("read events: %w", err)
	}
	var records []record
	var r record
	var rowFound, found int
	_, err = pgx.ForEachRow(rows, append(r.columns(), &rowFound), func() error {
		found = max(found, rowFound)
		if r.channel == nil {
			b.deleted(*r.tenant, cursor, *r.position)
		} else {
			records = append(records, r)
		}
		r.payload = nil
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("read events: %w", err)
	}
	slices.SortFunc(records, byPosition)
	for i := range records {
		b.handLive(&records[i])
	}
	if found < tailRows && found == len(records) {
		b.mu.Lock()
		defer b.mu.Unlock()
		maps.DeleteFunc(b.mu.left, func(name string, _ struct{}) bool {
			_, behind := b.mu.behind[name]
			return !behind
		})
	}
	return len(records) > 0, nil
}

func byPosition(a, b record) int { return cmp.Compare(*a.position, *b.position) }

// deleted tells that events of a tenant were deleted before this node has seen
// them: those behind at, up to the floor.
func (b *Bus) deleted(name string, at, floor int64) {
	b.mu.Lock()
	at = max(at, b.mu.told[name])
	_, behind := b.mu.behind[name]
	if behind || floor <= at {
		b.mu.Unlock()
		return // catchUp tells it, or it was told
	}
	b.mu.told[name] = floor
	b.mu.Unlock()
	b.push(name, item{at: floor, when: time.Now(), gap: &event.Gap{From: position(at), To: position(floor), Retention: true}})
}

// handLive queues what a row is and moves the cursor there. A tenant that has no
// room is left behind.
func (b *Bus) handLive(r *record) {
	b.mu.Lock()
	if !tenantName.MatchString(*r.tenant) {
		b.mu.cursor = *r.position
		b.mu.Unlock()
		b.logger.Warn("an entry at the source is of no tenant", "tenant", *r.tenant, "position", *r.position)
		return
	}
	_, behind := b.mu.behind[*r.tenant]
	if t := b.tenantLocked(*r.tenant); !behind && !t.waiting.Free() {
		b.mu.behind[*r.tenant], b.mu.left[*r.tenant], behind = b.mu.cursor, struct{}{}, true
	}
	b.mu.cursor = *r.position
	if b.mu.cursor > b.mu.seen.position {
		b.mu.seen = row{*r.position, *r.tenant}
	}
	b.mu.Unlock()
	if !behind {
		b.hand(r)
	}
}

var tenantName = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

// hand queues what a row is.
func (b *Bus) hand(r *record) {
	i := item{at: *r.position, when: *r.time}
	i.event, i.reason = r.event()
	b.push(*r.tenant, i)
}

// verify looks whether the database is what this node has seen, after it was
// away, and returns the last position that is sure.
func (b *Bus) verify(ctx context.Context, conn *pgx.Conn) (int64, error) {
	if err := check(ctx, conn); err != nil {
		return 0, err
	}
	if err := checkServer(ctx, conn); err != nil {
		return 0, err
	}
	b.mu.Lock()
	seen, cursor := b.mu.seen, b.mu.cursor
	b.mu.Unlock()
	if seen.position == 0 {
		return cursor, nil
	}
	var there bool
	err := conn.QueryRow(ctx, `
select exists (select from runnel.events where position = $1 and tenant = $2)
	or exists (select from runnel.event_floors where position >= $1 and tenant = $2)
	or exists (select from runnel.event_rewinds where "to" > $1)`, seen.position, seen.tenant).Scan(&there)
	if err == nil && !there {
		_, err = conn.Exec(ctx, "select runnel.rewound($1)", seen.position)
	}
	if err != nil {
		return 0, fmt.Errorf("look for the last event: %w", err)
	}
	return min(seen.position, cursor), nil
}
