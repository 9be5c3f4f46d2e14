package postgres

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/runnel-dev/runnel/runtime/event"
)

const (
	retainEvery = 2 * time.Second
	forgetEvery = 10 * time.Second // ids
	retainTime  = 10 * time.Minute // for a look at all that is kept

	deleteRows    = 500 // of a tenant in one statement
	deleteTenants = 32
)

const (
	// sqlRetain is held by who deletes: publishers' locks are told apart by it, and
	// nodes don't delete at the same time.
	sqlRetain = "lock table runnel.event_floors in share row exclusive mode"

	// Parts of many thousand positions, of all tenants.
	sqlHistory = `
select tenant, max(position), count(*), sum(octet_length(payload) + octet_length(channel) + coalesce(octet_length(id), 0) + $2), min(time), max(time)
from runnel.events where position <= $1
group by tenant, position / 4096 order by tenant, max(position)`

	sqlDelete = `
with gone as (
	delete from runnel.events e using (
		select d.position from unnest($1::text[], $2::bigint[]) as q (tenant, up_to)
		cross join lateral (select v.position from runnel.events v where v.tenant = q.tenant and v.position <= q.up_to order by v.position limit $3) d
	) d where e.position = d.position returning e.tenant, e.position
), floors as (
	insert into runnel.event_floors (tenant, position) select tenant, max(position) from gone group by tenant
	on conflict (tenant) do update set position = greatest(event_floors.position, excluded.position)
)
select coalesce(max(n), 0) from (select count(*) as n from gone group by tenant) g`

	sqlForget = `
delete from runnel.event_ids where ctid = any (array(
	select i.ctid from unnest($1::text[], $2::float8[]) as q (tenant, seconds)
	cross join lateral (
		select greatest(clock_timestamp() - make_interval(secs => q.seconds),
			(select n.time from runnel.event_ids n where n.tenant = q.tenant order by n.time desc offset $3 limit 1)) as oldest
	) o
	cross join lateral (select k.ctid from runnel.event_ids k where k.tenant = q.tenant and k.time <= o.oldest order by k.time limit $4) i
))`
)

// retain deletes what is over the tenants' retention until ctx ends.
func (b *Bus) retain(ctx context.Context, sink event.Sink) {
	var pending map[string]int64 // what is to be deleted, up to where
	var forgotten time.Time
	counted := false
	var failing bool
	for ctx.Err() == nil {
		err, tried := error(nil), !counted
		if !counted {
			err = b.count(ctx)
			counted = err == nil
		}
		keeps := maps.Collect(sink.Tenants())
		pending = b.over(keeps, pending)
		if err == nil && len(pending) > 0 {
			tried = true
			err = b.delete(ctx, pending)
		}
		if err == nil {
			err = b.removeLate(ctx)
			tried = tried || err != nil
		}
		if err == nil && time.Since(forgotten) > forgetEvery {
			tried = true
			err = b.forget(ctx, keeps)
			forgotten = time.Now()
		}
		if tried && (err != nil) != failing && ctx.Err() == nil {
			if failing = err != nil; failing {
				b.logger.Warn("events that are over retention are not deleted", "error", err)
			} else {
				b.logger.Info("events that are over retention are deleted again")
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(jitter(retainEvery)):
		}
	}
}

// count adds to the history of each tenant what was there before the tail began.
func (b *Bus) count(ctx context.Context) error {
	if b.counted {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, retainTime)
	defer cancel()
	found := map[string][]part{}
	err := b.inTransaction(ctx, fmt.Sprintf("set local statement_timeout = %d", retainTime.Milliseconds()), func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, sqlHistory, b.start, overhead)
		if err != nil {
			return err
		}
		var tenant string
		var p part
		_, err = pgx.ForEachRow(rows, []any{&tenant, &p.last, &p.events, &p.bytes, &p.oldest, &p.newest}, func() error {
			found[tenant] = append(found[tenant], p)
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("count what is kept: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, parts := range found {
		b.tenantLocked(name).history.prepend(parts)
	}
	b.counted = true
	return nil
}

// over notes what is kept of each tenant, and up to where events are over it.
func (b *Bus) over(keeps map[string]event.Retention, pending map[string]int64) map[string]int64 {
	now := time.Now()
	next := map[string]int64{}
	b.mu.Lock()
	defer b.mu.Unlock()
	for name, keep := range keeps {
		if t := b.tenantLocked(name); true {
			t.keep = keep
		}
	}
	for name, t := range b.mu.tenants {
		if _, listed := keeps[name]; !listed {
			t.keep = unlisted
		}
		if upTo := max(t.history.trim(t.keep, now), pending[name]); upTo > 0 {
			next[name] = upTo
		}
		if _, listed := keeps[name]; !listed && len(t.history.parts) == 0 && !t.draining && t.publishers == 0 && t.waiting.Empty() {
			delete(b.mu.tenants, name)
		}
	}
	return next
}

// delete deletes what is pending, and takes it out of there. Another node that is
// deleting is left to it: this one tries again later.
func (b *Bus) delete(ctx context.Context, pending map[string]int64) error {
	for names := range slices.Chunk(slices.Sorted(maps.Keys(pending)), deleteTenants) {
		upTo := make([]int64, len(names))
		for i, name := range names {
			upTo[i] = pending[name]
		}
		for most := deleteRows; most == deleteRows; {
			err := b.inTransaction(ctx, sqlRetain+" nowait", func(tx pgx.Tx) error {
				return tx.QueryRow(ctx, sqlDelete, names, upTo, deleteRows).Scan(&most)
			})
			var answer *pgconn.PgError
			if errors.As(err, &answer) && answer.Code == "55P03" {
				return nil
			}
			if err != nil {
				return fmt.Errorf("delete events: %w", err)
			}
		}
		for _, name := range names {
			delete(pending, name)
		}
	}
	return nil
}

// forget deletes the ids that are over their window.
func (b *Bus) forget(ctx context.Context, keeps map[string]event.Retention) error {
	for names := range slices.Chunk(slices.Sorted(maps.Keys(keeps)), deleteTenants) {
		seconds := make([]float64, len(names))
		for i, name := range names {
			seconds[i] = keeps[name].IDs.Seconds()
		}
		err := b.do(ctx, always, func(conn *pgxpool.Conn) error {
			for {
				done, err := conn.Exec(ctx, sqlForget, names, seconds, event.MaxIDs, deleteRows)
				if err != nil || done.RowsAffected() < deleteRows {
					return err
				}
			}
		})
		if err != nil {
			return fmt.Errorf("delete ids: %w", err)
		}
	}
	return nil
}

// remove returns the position behind which nothing lies of what was published before.
func (b *Bus) remove(ctx context.Context, tenant string) (end int64, err error) {
	exec := func(sql string) error {
		return b.do(ctx, always, func(conn *pgxpool.Conn) error {
			_, err := conn.Exec(ctx, sql, tenant)
			return err
		})
	}
	if err := exec("delete from runnel.grants where tenant = $1"); err != nil {
		return 0, err
	}
	for most := deleteRows; most == deleteRows; {
		err := b.inTransaction(ctx, sqlRetain, func(tx pgx.Tx) error {
			return tx.QueryRow(ctx, sqlDelete, []string{tenant}, []int64{1<<63 - 1}, deleteRows).Scan(&most)
		})
		if err != nil {
			return 0, err
		}
	}
	if err := exec("delete from runnel.event_ids where tenant = $1"); err != nil {
		return 0, err
	}
	err = b.do(ctx, always, func(conn *pgxpool.Conn) error {
		return conn.QueryRow(ctx, "select last_value from runnel.event_position").Scan(&end)
	})
	return end, err
}

// removeLate removes what transactions have committed for tenants that were removed meanwhile,
// once all is decided that was published before. What lies behind is another tenant's of that name.
func (b *Bus) removeLate(ctx context.Context) error {
	decided := b.view.known()
	late := map[string]int64{}
	b.mu.Lock()
	for name, end := range b.mu.removed {
		if decided.of(name) >= end {
			late[name] = end
		}
	}
	b.mu.Unlock()
	if len(late) == 0 {
		return nil
	}
	names, ends := slices.Collect(maps.Keys(late)), []int64{}
	for _, name := range names {
		ends = append(ends, late[name])
	}
	err := b.do(ctx, always, func(conn *pgxpool.Conn) error {
		_, err := conn.Exec(ctx, "delete from runnel.event_ids i using unnest($1::text[], $2::bigint[]) as q (tenant, up_to) where i.tenant = q.tenant and i.position <= q.up_to", names, ends)
		return err
	})
	if err == nil {
		err = b.delete(ctx, late)
	}
	if err != nil {
		return fmt.Errorf("delete what removed tenants have left: %w", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, name := range names {
		if _, again := late[name]; !again && b.mu.removed[name] == ends[i] {
			delete(b.mu.removed, name)
		}
	}
	return nil
}

// inTransaction runs f after a statement. It may run again.
func (b *Bus) inTransaction(ctx context.Context, first string, f func(pgx.Tx) error) error {
	return b.do(ctx, always, func(conn *pgxpool.Conn) error {
		return pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, first); err != nil {
				return err
			}
			return f(tx)
		})
	})
}
