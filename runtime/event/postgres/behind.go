package postgres

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runnel-dev/runnel/runtime/event"
)

// catchUp reads for tenants that were left behind, those that have room.
func (b *Bus) catchUp(ctx context.Context, conn *pgx.Conn, decided bounds) (found bool, err error) {
	var names []string
	var after, upTo []int64
	b.mu.Lock()
	for name, at := range b.mu.behind {
		to := min(decided.of(name), b.mu.cursor)
		switch {
		case at >= b.mu.cursor:
			delete(b.mu.behind, name)
		case to <= at:
		case !b.freeLocked(name):
		case len(names) < behindTenants:
			names, after, upTo = append(names, name), append(after, at), append(upTo, to)
		}
	}
	b.mu.Unlock()
	if names == nil {
		return false, nil
	}
	all, err := readBehind(ctx, conn, names, after, upTo)
	if err != nil {
		return false, fmt.Errorf("read events: %w", err)
	}
	for i, name := range names {
		found = b.handLate(name, after[i], upTo[i], all[name]) || found
	}
	return found, nil
}

// late is what there is of a tenant that was left behind.
type late struct {
	records []record
	floor   int64 // 0 where nothing was deleted that this node has not seen
	found   int
}

func readBehind(ctx context.Context, conn *pgx.Conn, names []string, after, upTo []int64) (map[string]late, error) {
	rows, err := conn.Query(ctx, sqlBehind, names, after, upTo, behindRows, pageBytes)
	if err != nil {
		return nil, err
	}
	all := map[string]late{}
	var r record
	var floor *int64
	var found int
	_, err = pgx.ForEachRow(rows, append(r.columns(), &found, &floor), func() error {
		l := all[*r.tenant]
		if l.found = found; floor != nil {
			l.floor = *floor
		}
		if r.position != nil {
			l.records = append(l.records, r)
		}
		all[*r.tenant] = l
		r.payload = nil
		return nil
	})
	for _, l := range all {
		slices.SortFunc(l.records, byPosition)
	}
	return all, err
}

// handLate hands out what was found of a tenant behind at. One that has been read
// up to the cursor is behind no more.
func (b *Bus) handLate(name string, at, upTo int64, l late) (found bool) {
	if l.floor > at {
		b.push(name, item{at: l.floor, when: time.Now(), gap: &event.Gap{From: position(at), To: position(l.floor), Retention: true}})
		at, found = l.floor, true
	}
	all := l.found < behindRows && l.found == len(l.records)
	for i := range l.records {
		if !b.free(name) {
			all = false
			break
		}
		b.hand(&l.records[i])
		at, found = *l.records[i].position, true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case at > b.mu.cursor: // so much was deleted
		b.mu.told[name] = at
		delete(b.mu.behind, name)
	case all && upTo >= b.mu.cursor:
		delete(b.mu.behind, name)
	default:
		if b.mu.behind[name] = at; all { // the rest waits for a transaction
			delete(b.mu.left, name)
		}
	}
	return found
}

func (b *Bus) free(name string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.freeLocked(name)
}

// freeLocked reports whether there is room for the next of a tenant that is behind, and keeps its
// publishers out where there is none.
func (b *Bus) freeLocked(name string) bool {
	free := b.tenantLocked(name).waiting.Free()
	if !free {
		b.mu.left[name] = struct{}{}
	}
	return free
}
