// Package postgres keeps the records of one server or several in a PostgreSQL
// database, 15 or later, in the schema runnel. Updates are SERIALIZABLE and
// tried again where they conflict, views read one snapshot. Nodes tell each other
// of changes by NOTIFY, and look for those that they were not told of.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/runnel-dev/runnel/runtime/database"
	"github.com/runnel-dev/runnel/runtime/store"
)

const (
	// attempts is how often a transaction is begun, over two seconds or so, where
	// it conflicts with others or the connection is lost.
	attempts    = 16
	firstPause  = 2 * time.Millisecond
	longPause   = 250 * time.Millisecond
	cleanupTime = 5 * time.Second
)

// Store is a store.Store in a database.
type Store struct {
	pool    *pgxpool.Pool
	turns   store.Turns
	changes store.Changes
	closed  atomic.Bool

	stop     context.CancelFunc // ends the follower
	stopped  chan struct{}      // closed when it has ended
	follower *follower
}

// Open connects to the database at a URL as libpq takes it, such as
// postgres://user:password@host/database?sslmode=verify-full, and makes or
// migrates the schema. It fails where the schema is a later version's. ctx bounds Open
// alone. logger is told when the node does not hear any more of what others
// change, and when it does again; nil discards. Neither errors nor the log have the
// password.
func Open(ctx context.Context, url string, logger *slog.Logger) (*Store, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	config, err := configure(url)
	if err != nil {
		return nil, err
	}
	s, err := open(ctx, config, logger)
	if err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	return s, nil
}

func open(ctx context.Context, config *pgxpool.Config, logger *slog.Logger) (*Store, error) {
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, err
	}
	s := &Store{pool: pool, stopped: make(chan struct{})}
	s.follower = newFollower(config.ConnConfig, &s.changes, logger)
	err = pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		if err := database.Check(ctx, conn.Conn()); err != nil {
			return err
		}
		return migrations.Migrate(ctx, conn.Conn())
	})
	var conn *pgx.Conn
	if err == nil {
		conn, err = s.follower.connect(ctx)
	}
	if err != nil {
		pool.Close()
		return nil, err
	}
	follow, stop := context.WithCancel(context.WithoutCancel(ctx))
	s.stop = stop
	go func() {
		defer close(s.stopped)
		s.follower.run(follow, conn)
	}()
	return s, nil
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, read func(store.Tx) error) error {
	tx, err := s.begin(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return err
	}
	defer tx.end()
	if err := read(tx); err != nil {
		return err
	}
	return tx.failed // the rest may have been read from nothing
}

// begin begins a transaction, on a connection that lives.
func (s *Store) begin(ctx context.Context, options pgx.TxOptions) (*transaction, error) {
	for pause := newPause(); ; {
		tx, err := s.tryBegin(ctx, options)
		if err == nil {
			return tx, nil
		}
		if !lostConnection(err) || !pause.wait(ctx) {
			return nil, failure(ctx, err)
		}
	}
}

func (s *Store) tryBegin(ctx context.Context, options pgx.TxOptions) (*transaction, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.closed.Load() {
		return nil, store.ErrClosed
	}
	conn, err := s.pool.Acquire(ctx)
	if err != nil && s.closed.Load() {
		return nil, store.ErrClosed
	}
	if err != nil {
		return nil, fmt.Errorf("get a connection: %w", err)
	}
	tx, err := conn.BeginTx(ctx, options)
	if err != nil {
		err = lost(conn.Conn(), err)
		conn.Release()
		return nil, fmt.Errorf("begin a transaction: %w", err)
	}
	return &transaction{ctx: ctx, conn: conn, tx: tx, writable: options.AccessMode != pgx.ReadOnly}, nil
}

// Update implements store.Store. It waits for those of the same tenant on this
// node: a conflict would cost both a transaction.
func (s *Store) Update(ctx context.Context, tenant string, change func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if tenant != "" { // those of nobody have nothing in common
		done, err := s.turns.Take(ctx, tenant)
		if err != nil {
			return err
		}
		defer done()
	}
	for pause := newPause(); ; {
		again, err := s.try(ctx, tenant, change)
		if err == nil {
			return nil
		}
		if !again || !pause.wait(ctx) {
			return failure(ctx, err)
		}
	}
}

// try runs an update once. again says that nothing was kept, and that the next
// try may do better.
func (s *Store) try(ctx context.Context, tenant string, change func(store.Tx) error) (again bool, err error) {
	tx, err := s.tryBegin(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable})
	if err != nil {
		return lostConnection(err), err
	}
	defer tx.end()
	err = change(tx)
	if err == nil {
		err = tx.failed // which change may have passed over
	}
	if err == nil && tenant != "" {
		err = tx.announce(tenant)
	}
	if tx.failed != nil {
		return conflict(tx.failed) || lostConnection(tx.failed), err
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return false, err
	}
	return tx.commit()
}

// failure has the context's error in the error of a call that it ended.
func failure(ctx context.Context, err error) error {
	if ctx.Err() != nil && !errors.Is(err, ctx.Err()) {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return err
}

// Watch implements store.Store.
func (s *Store) Watch(ctx context.Context, ready func(), changed func(tenant string)) error {
	return s.changes.Watch(ctx, ready, changed)
}

// Close implements store.Store.
func (s *Store) Close() error {
	if !s.closed.Swap(true) {
		s.changes.Close()
		s.stop()
	}
	<-s.stopped
	s.pool.Close()
	return nil
}

// conflict reports whether the server gave a transaction up for the sake of another.
func conflict(err error) bool {
	var answer *pgconn.PgError
	return errors.As(err, &answer) && (answer.Code == "40001" || answer.Code == "40P01")
}

// errLost is in the errors of calls after which their connection is not there
// any more.
var errLost = errors.New("the connection to the database is lost")

func lost(conn *pgx.Conn, err error) error {
	if err != nil && conn.IsClosed() {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	return err
}

// lostConnection reports whether there was no connection, or none any more, and a
// new one may be had soon.
func lostConnection(err error) bool {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrClosed) {
		return false
	}
	var answer *pgconn.PgError
	if errors.As(err, &answer) {
		switch answer.Code {
		case "57P01", "57P02", "57P03", "57P05", "53300", "25P03": // shutdown, crash, starting, idle, too many connections
			return true
		}
		return false
	}
	var connect *pgconn.ConnectError
	return errors.As(err, &connect) || errors.Is(err, errLost)
}

// pause is the time between attempts: it grows, and differs at random.
type pause struct {
	n    int
	next time.Duration
}

func newPause() *pause { return &pause{next: firstPause} }

// wait returns false where there is no further attempt.
func (p *pause) wait(ctx context.Context) bool {
	p.n++
	if p.n == attempts {
		return false
	}
	timer := time.NewTimer(p.next/2 + rand.N(p.next))
	defer timer.Stop()
	p.next = min(2*p.next, longPause)
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
