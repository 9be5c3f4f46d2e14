package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/runnel-dev/runnel/runtime/event"
)

// pageBytes is how much payload a page has, unless its first event is larger.
const pageBytes = 1 << 20

const (
	sqlColumns = "position, tenant, channel, id, payload, time"

	// What a page holds is found by an index, and its size before its payloads are
	// read. The floor and the events are seen at the same time. Without events there
	// is one row.
	sqlPageOf = `
with found as materialized (%s),
sized as (
	select e.*, sum(octet_length(e.payload)) over (order by e.position %[2]s) as total, count(*) over () as found
	from (select e.* from found f join runnel.events e on e.position = f.position order by e.position %[2]s limit $5) e
)
select (select position from runnel.event_floors where tenant = $1),
	(select "from" from runnel.event_rewinds where "to" > $3 order by "to" limit 1),
	(select "to" from runnel.event_rewinds where "to" > $3 order by "to" limit 1),
	(select max(position) from runnel.events where tenant = $1 and position <= $4),
	coalesce(e.found, 0), e.position, e.tenant, e.channel, e.id, e.payload, e.time
from (select) one left join (select * from sized where total <= $6 or total = octet_length(payload)) e on true
order by e.position %[2]s`

	sqlUpTo    = `least($4, (select r."from" from runnel.event_rewinds r where r."to" > $3 order by r."to" limit 1))`
	sqlAll     = "select position from runnel.events where tenant = $1 and $2::text[] is null and position > $3 and position <= " + sqlUpTo + " order by position limit $5"
	sqlOfThese = `
	select v.position from (select distinct unnest($2::text[]) as channel) c cross join lateral (
		select e.position from runnel.events e where e.tenant = $1 and e.channel = c.channel and e.position > $3 and e.position <= ` + sqlUpTo + ` order by e.position limit $5
	) v order by v.position limit $5`
	sqlNewest = "select position from runnel.events where tenant = $1 and channel = ($2::text[])[1] and position > $3 and position <= $4 order by position desc limit $5"
)

var (
	sqlPage         = fmt.Sprintf(sqlPageOf, sqlAll, "")
	sqlChannelsPage = fmt.Sprintf(sqlPageOf, sqlOfThese, "")
	sqlNewestPage   = fmt.Sprintf(sqlPageOf, sqlNewest, "desc")
)

// record is a row of events.
type record struct {
	position            *int64
	tenant, channel, id *string
	payload             []byte
	time                *time.Time
}

func (r *record) columns() []any {
	return []any{&r.position, &r.tenant, &r.channel, &r.id, &r.payload, &r.time}
}

// event makes an event of the row, or says why it is none.
func (r *record) event() (*event.Event, error) {
	e := &event.Event{Tenant: *r.tenant, Channel: *r.channel, Payload: r.payload, Position: position(*r.position), Time: r.time.UTC().Truncate(time.Millisecond)}
	if r.id != nil {
		e.ID = *r.id
	}
	if err := event.Check(e.Channel, e.ID, e.Payload); err != nil {
		return nil, err
	}
	if e.ID == "" {
		e.ID = string(e.Position)
	}
	return e, nil
}

// part of the order, as one statement has seen it.
type slice struct {
	floor    int64
	from, to int64 // of the first rewind that ends behind the position asked for; 0 for none
	last     int64 // of the tenant
	records  []record
	more     bool // there may be more in front of the bound
}

func (b *Bus) slice(ctx context.Context, conn *pgx.Conn, sql, tenant string, channels []string, after, bound int64, limit int) (slice, error) {
	var s slice
	rows, err := conn.Query(ctx, sql, tenant, channels, after, bound, limit, pageBytes)
	if err != nil {
		return s, err
	}
	var floor, from, to, last *int64
	var found int
	var r record
	_, err = pgx.ForEachRow(rows, append([]any{&floor, &from, &to, &last, &found}, r.columns()...), func() error {
		if r.position != nil {
			s.records = append(s.records, r)
		}
		r.payload = nil
		return nil
	})
	value := func(p *int64) int64 {
		if p == nil {
			return 0
		}
		return *p
	}
	s.floor, s.from, s.to, s.last = value(floor), value(from), value(to), value(last)
	s.more = found >= limit || found > len(s.records)
	return s, err
}

// Read implements event.Bus.
func (b *Bus) Read(ctx context.Context, tenant string, channels []string, after event.Position, max int) (event.Page, error) {
	from, err := parse(after)
	var page event.Page
	if err == nil {
		err = b.do(ctx, always, func(conn *pgxpool.Conn) error {
			page, err = b.read(ctx, conn.Conn(), tenant, channels, from, after != "", max)
			return err
		})
	}
	if err != nil {
		return event.Page{}, b.failed(ctx, "read the events of", tenant, err)
	}
	return page, nil
}

// read reads up to what is known to be decided, and looks further where that ends.
func (b *Bus) read(ctx context.Context, conn *pgx.Conn, tenant string, channels []string, from int64, mind bool, limit int) (event.Page, error) {
	sql := sqlPage
	if channels != nil {
		sql = sqlChannelsPage
	}
	page, full, err := b.readTo(ctx, conn, sql, tenant, channels, from, b.bound(tenant, b.view.known()), mind, limit)
	if err != nil || full {
		return page, err
	}
	decided, err := b.lookOn(ctx, conn)
	if err != nil {
		return page, err
	}
	page, _, err = b.readTo(ctx, conn, sql, tenant, channels, from, b.bound(tenant, decided), mind, limit)
	return page, err
}

// lookOn looks how far events are decided, on a connection.
func (b *Bus) lookOn(ctx context.Context, conn *pgx.Conn) (bounds, error) {
	return b.view.look(ctx, conn, func() (int64, error) { return b.verify(ctx, conn) })
}

// bound is how far a tenant's events are decided. The tail may have known more.
func (b *Bus) bound(tenant string, decided bounds) int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	tail, behind := b.mu.behind[tenant]
	if !behind {
		tail = b.mu.cursor
	}
	return max(decided.of(tenant), tail)
}

// readTo reads a page up to a bound. full tells that it does not reach it.
func (b *Bus) readTo(ctx context.Context, conn *pgx.Conn, sql, tenant string, channels []string, from, bound int64, mind bool, limit int) (page event.Page, full bool, err error) {
	at := from
	lost := func(to int64) {
		if at = max(at, to); mind {
			page.Gap = &event.Gap{From: position(from), To: position(at)}
		}
	}
	for {
		s, err := b.slice(ctx, conn, sql, tenant, channels, at, bound, limit)
		if err != nil {
			return page, false, err
		}
		if s.floor > at {
			lost(s.floor)
		}
		if s.to > 0 && s.from <= at {
			lost(s.to) // nothing lies between
			continue
		}
		for i := range s.records {
			if e, err := s.records[i].event(); err == nil {
				page.Events = append(page.Events, *e)
			}
			at = *s.records[i].position
		}
		switch {
		case s.more:
			page.Next, page.More = position(at), true
			return page, true, nil
		case s.to > 0 && len(page.Events) == 0 && page.Gap == nil:
			at = s.from
		case s.to > 0: // the next page begins with a gap
			page.Next, page.More = position(s.from), true
			return page, true, nil
		default:
			page.Next = position(max(at, s.last))
			return page, false, nil
		}
	}
}

// ReadLast implements event.Bus.
func (b *Bus) ReadLast(ctx context.Context, tenant, channel string, before event.Position, max int) ([]event.Event, error) {
	until, err := parse(before)
	var events []event.Event
	if err == nil {
		err = b.do(ctx, always, func(conn *pgxpool.Conn) error {
			events, err = b.readLast(ctx, conn.Conn(), tenant, channel, until, max)
			return err
		})
	}
	if err != nil {
		return nil, b.failed(ctx, "read the last events of", tenant, err)
	}
	return events, nil
}

func (b *Bus) readLast(ctx context.Context, conn *pgx.Conn, tenant, channel string, before int64, limit int) (events []event.Event, err error) {
	decided, err := b.lookOn(ctx, conn)
	if err != nil {
		return nil, err
	}
	bound := b.bound(tenant, decided)
	if before > 0 {
		bound = min(bound, before-1)
	}
	for {
		s, err := b.slice(ctx, conn, sqlNewestPage, tenant, []string{channel}, 0, bound, limit)
		if err != nil {
			return nil, err
		}
		for i := range s.records {
			if e, err := s.records[i].event(); err == nil {
				events = append(events, *e)
			}
			bound = *s.records[i].position - 1
		}
		if len(events) > 0 || !s.more {
			return events, nil
		}
	}
}
