package postgres

import (
	"context"
	"fmt"
	"maps"
	"time"

	"github.com/jackc/pgx/v5"
)

// horizon tells up to which position everything is decided: each position was
// committed or never will be. Positions are taken from a sequence, and transactions
// do not commit in that order; each holds the lock of an INSERT from before its
// first position to its end. So what a transaction took lies above what the
// sequence had given when it was not among the holders yet.
//
// That lock cannot be taken by who has no rights on the table, and the session of
// a holder says for which tenants it may have published: one that stays open
// delays these alone.
type horizon struct {
	given   int64             // by the sequence, when it was looked at last
	holders map[string]holder // by transaction
	rewound int64             // up to where positions were lost when the database was put back, the last time
}

type holder struct {
	floor   int64    // all that it took lies above
	tenants []string // nil: it may have published for each
}

// bounds is what a horizon gives: everything up to all is decided, but for the
// tenants of some, where it is less.
type bounds struct {
	all  int64
	some map[string]int64
	// busy tells that somebody is publishing; rewound is that of the horizon.
	busy    bool
	rewound int64
}

func (b bounds) of(tenant string) int64 {
	if bound, there := b.some[tenant]; there {
		return bound
	}
	return b.all
}

// sqlGiven comes before sqlHolders, as a statement of its own: who takes the lock
// later takes positions above.
const (
	sqlGiven = "select case when is_called then last_value else last_value - 1 end, (select max(\"to\") from runnel.event_rewinds) from runnel.event_position"

	// Retention takes the same lock, for its deletes, and tells itself apart by a
	// lock on the floors. Who may insert into the table, or become somebody who may,
	// is not bound to grants.
	sqlHolders = `
with locks as materialized (
	select l.virtualtransaction, l.pid, l.relation, l.mode from pg_locks l
	where l.locktype = 'relation' and l.granted
	  and l.database = (select oid from pg_database where datname = current_database())
	  and l.relation in ('runnel.events'::regclass, 'runnel.event_floors'::regclass)
)
select l.virtualtransaction, l.pid is null,
	case when not pg_has_role(r.oid, (select c.relowner from pg_class c where c.oid = l.relation), 'member')
		and not has_table_privilege(r.oid, l.relation, 'insert') then
		array(select g.tenant from runnel.grants g where g.role = r.oid union select g.tenant from runnel.revoked_grants g where g.role = r.oid)
	end
from locks l left join lateral pg_stat_get_activity(l.pid) a on true left join pg_roles r on r.oid = a.usesysid
where l.relation = 'runnel.events'::regclass and l.mode = 'RowExclusiveLock' and not exists (
	select from locks o
	where o.virtualtransaction = l.virtualtransaction and o.relation = 'runnel.event_floors'::regclass and o.mode = 'ShareRowExclusiveLock'
)`
)

// look looks at the sequence and at who may have taken from it.
func (h *horizon) look(ctx context.Context, conn *pgx.Conn) (bounds, error) {
	var given, rewound int64
	found := map[string]holder{}
	batch := &pgx.Batch{}
	batch.Queue(sqlGiven).QueryRow(func(row pgx.Row) error { return row.Scan(&given, &rewound) })
	batch.Queue(sqlHolders).Query(func(rows pgx.Rows) error {
		var transaction string
		var prepared bool
		var tenants []string
		_, err := pgx.ForEachRow(rows, []any{&transaction, &prepared, &tenants}, func() error {
			found[transaction] = h.holder(transaction, prepared, tenants)
			return nil
		})
		return err
	})
	if err := conn.SendBatch(ctx, batch).Close(); err != nil {
		return bounds{}, fmt.Errorf("look for publishers: %w", err)
	}
	h.given, h.holders, h.rewound = given, found, rewound
	return h.bounds(), nil
}

func (h *horizon) holder(transaction string, prepared bool, tenants []string) holder {
	if len(tenants) == 0 {
		tenants = nil // it has the lock by another right
	}
	known, there := h.holders[transaction]
	switch {
	case there:
		return holder{floor: known.floor, tenants: tenants}
	case prepared:
		// PREPARE TRANSACTION gives it another name: it may be any that was there.
		floor := h.given
		for known := range maps.Values(h.holders) {
			floor = min(floor, known.floor)
		}
		return holder{floor: floor}
	}
	return holder{floor: h.given, tenants: tenants}
}

func (h *horizon) bounds() bounds {
	b := bounds{all: h.given, some: map[string]int64{}, busy: len(h.holders) > 0, rewound: h.rewound}
	for holder := range maps.Values(h.holders) {
		if holder.tenants == nil {
			b.all = min(b.all, holder.floor)
		}
	}
	for holder := range maps.Values(h.holders) {
		for _, tenant := range holder.tenants {
			if holder.floor < b.of(tenant) {
				b.some[tenant] = holder.floor
			}
		}
	}
	return b
}

// reset forgets what is not sure after the connection was lost: a server that
// crashed may give positions again that nobody has committed. last is the highest
// that was read.
func (h *horizon) reset(last int64) { h.given = min(h.given, last) }

const (
	// settleTime is how long those are waited for that were publishing before a horizon began.
	settleTime  = 2 * time.Second
	settleEvery = 20 * time.Millisecond

	// sqlBefore is the last position that was taken before the oldest holder began: a
	// row's time is taken after its position. The second is for clocks that are set, the
	// ten minutes are for roles without pg_read_all_stats, which do not see when it began.
	// Rewinds wait for who is publishing.
	sqlBefore = `
select greatest((select max("to") from runnel.event_rewinds), (
	select e.position from runnel.events e
	where e.time < (
		select coalesce(min(coalesce(a.xact_start, now() - interval '10 minutes')), 'infinity') - interval '1 second'
		from pg_locks l left join lateral pg_stat_get_activity(l.pid) a on true
		where l.locktype = 'relation' and l.relation = 'runnel.events'::regclass and l.mode = 'RowExclusiveLock'
		  and l.database = (select oid from pg_database where datname = current_database())
	)
	order by e.position desc limit 1
))`
)

// begin looks for the first time, until those have ended that were publishing
// before. What is left of them after a while may have taken what was given since it began.
func (h *horizon) begin(ctx context.Context, conn *pgx.Conn) (bounds, error) {
	for until := time.Now().Add(settleTime); ; {
		b, err := h.look(ctx, conn)
		if err != nil || !h.unsettled() {
			return b, err
		}
		if time.Now().After(until) {
			break
		}
		sleep(ctx, settleEvery)
	}
	var floor int64
	if err := conn.QueryRow(ctx, sqlBefore).Scan(&floor); err != nil {
		return bounds{}, fmt.Errorf("look for what is open: %w", err)
	}
	for transaction, holder := range h.holders {
		holder.floor = max(holder.floor, min(floor, h.given))
		h.holders[transaction] = holder
	}
	return h.bounds(), nil
}

// unsettled tells that of some who publish it is not known what they took.
func (h *horizon) unsettled() bool {
	for holder := range maps.Values(h.holders) {
		if holder.floor == 0 {
			return true
		}
	}
	return false
}
