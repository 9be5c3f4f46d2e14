package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// view is what this node knows of how far events are decided. One looks at a time.
type view struct {
	turn chan struct{} // holds one while somebody looks

	mu      sync.Mutex
	horizon horizon
	latest  bounds
	began   uint64 // looks that have begun
	shown   uint64 // the number of the look that gave latest
	at      time.Time
}

func (v *view) begin(ctx context.Context, conn *pgx.Conn) (bounds, error) {
	decided, err := v.horizon.begin(ctx, conn)
	v.latest, v.at = decided, time.Now()
	return decided, err
}

// known is what the last look has given.
func (v *view) known() bounds {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.latest
}

// look gives bounds that are no older than the call. verify is called for a connection
// that was made since the last look: meanwhile the server may have crashed, or may be another.
func (v *view) look(ctx context.Context, conn *pgx.Conn, verify func() (seen int64, err error)) (bounds, error) {
	v.mu.Lock()
	called := v.began
	v.mu.Unlock()
	select {
	case v.turn <- struct{}{}:
	case <-ctx.Done():
		return bounds{}, ctx.Err()
	}
	defer func() { <-v.turn }()
	v.mu.Lock()
	if v.shown > called {
		defer v.mu.Unlock()
		return v.latest, nil // somebody has looked meanwhile
	}
	v.began++
	number, at := v.began, v.at
	v.mu.Unlock()

	if made(conn).After(at) {
		seen, err := verify()
		if err != nil {
			return bounds{}, err
		}
		v.horizon.reset(seen)
	}
	now := time.Now()
	decided, err := v.horizon.look(ctx, conn)
	if err != nil {
		return bounds{}, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.latest, v.shown, v.at = decided, number, now
	return decided, nil
}

// knows reports whether a connection is to the server that was looked at last.
func (v *view) knows(conn *pgx.Conn) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return !made(conn).After(v.at)
}

func made(conn *pgx.Conn) time.Time {
	made, _ := conn.PgConn().CustomData()[madeAt].(time.Time)
	return made
}
