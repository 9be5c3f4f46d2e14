package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/runnel-dev/runnel/runtime/event"
)

func init() {
	open := func(ctx context.Context, u *url.URL, options event.Options) (event.Bus, error) {
		return Open(ctx, u.String(), options.Logger)
	}
	event.Register("postgres", open)
	event.Register("postgresql", open)
}

// Bus is an event.Bus in a database.
type Bus struct {
	config  *pgxpool.Config
	pool    *pgxpool.Pool
	logger  *slog.Logger
	start   int64 // all that Tail hands out lies behind it
	counted bool  // what lies before it; of the one Tail
	view    view

	mu struct {
		sync.Mutex
		closed  bool
		tenants map[string]*tenant
		sink    event.Sink // of Tail; nil without one
		ctx     context.Context
		cursor  int64               // up to it the tail has read
		behind  map[string]int64    // the same for tenants that it has left behind
		left    map[string]struct{} // tenants for whom there was no room, and not all was read that came meanwhile
		removed map[string]int64    // tenants whose transactions may have been open, with the end of what they published
		told    map[string]int64    // up to where tenants were told that events are lost, if behind the cursor
		seen    row                 // the last that this node knows to be committed
	}
	room     event.Room
	draining sync.WaitGroup
	drained  chan struct{} // a tenant that was left behind has room
}

// row tells which event a position stands for.
type row struct {
	position int64
	tenant   string
}

// Open connects to the database at a URL as libpq takes it, such as
// postgres://user:password@host/database?sslmode=verify-full, and makes or
// migrates what the bus has in the schema runnel. ctx bounds Open alone. Neither errors
// nor the log have the password.
func Open(ctx context.Context, address string, logger *slog.Logger) (*Bus, error) {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	config, err := configure(address)
	if err != nil {
		return nil, err
	}
	pool, err := pgxpool.NewWithConfig(context.WithoutCancel(ctx), config)
	if err != nil {
		return nil, err
	}
	b := &Bus{config: config, pool: pool, logger: logger, drained: make(chan struct{}, 1)}
	b.view.turn = make(chan struct{}, 1)
	b.mu.tenants, b.mu.behind, b.mu.told, b.mu.left = map[string]*tenant{}, map[string]int64{}, map[string]int64{}, map[string]struct{}{}
	b.mu.removed = map[string]int64{}
	if err := b.open(ctx); err != nil {
		pool.Close()
		return nil, err
	}
	return b, nil
}

func (b *Bus) open(ctx context.Context) error {
	conn, err := b.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	if err := check(ctx, conn.Conn()); err != nil {
		return err
	}
	if err := migrations.Migrate(ctx, conn.Conn()); err != nil {
		return err
	}
	if err := checkServer(ctx, conn.Conn()); err != nil {
		return err
	}
	decided, err := b.view.begin(ctx, conn.Conn())
	if err != nil {
		return err
	}
	b.start = decided.all
	for _, bound := range decided.some {
		b.start = min(b.start, bound)
	}
	// Positions that were given and not committed may be given again after a crash:
	// the start is one that stands for something.
	var last int64
	if err := conn.QueryRow(ctx, sqlLast, b.start).Scan(&last); err != nil {
		return fmt.Errorf("look for the last event: %w", err)
	}
	b.start, b.mu.cursor = min(b.start, last), min(b.start, last)
	return nil
}

// sqlLast is the last position up to a bound that was committed.
const sqlLast = `
select greatest(
	(select max(position) from runnel.events where position <= $1),
	(select max(position) from runnel.event_floors where position <= $1),
	(select max("to") from runnel.event_rewinds where "to" <= $1), 0)`

// checkServer tells positions apart that were given before a backup was put back or
// a standby became the primary.
func checkServer(ctx context.Context, conn *pgx.Conn) error {
	var same bool
	err := conn.QueryRow(ctx, "select exists (select from runnel.event_server where identity = runnel.server_identity())").Scan(&same)
	if err == nil && !same {
		_, err = conn.Exec(ctx, "select runnel.rewound()")
	}
	if err != nil {
		return fmt.Errorf("look which server it is: %w", err)
	}
	return nil
}

// Start implements event.Bus.
func (b *Bus) Start() event.Position { return position(b.start) }

// Remove implements event.Bus. It takes the grants of the tenant away, too. Transactions that have
// published for it may commit later: while Tail runs, what they leave is removed then.
func (b *Bus) Remove(ctx context.Context, tenant string) error {
	end, err := b.remove(ctx, tenant)
	if err != nil {
		return b.failed(ctx, "remove the events of", tenant, err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.mu.removed[tenant] = end
	delete(b.mu.behind, tenant)
	delete(b.mu.left, tenant)
	if t := b.mu.tenants[tenant]; t != nil {
		t.waiting.Drop()
		t.removed, t.queue = true, nil
		delete(b.mu.tenants, tenant)
	}
	return nil
}

// Close implements event.Bus.
func (b *Bus) Close() error {
	b.mu.Lock()
	if b.mu.sink != nil {
		b.mu.Unlock()
		return errors.New("close the postgres bus: it is tailed")
	}
	b.mu.closed = true
	b.mu.Unlock()
	b.pool.Close()
	return nil
}

func (b *Bus) closed() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.mu.closed
}

// failed wraps an error of a call for a tenant. One without an answer of the server's
// means that it can't be reached, and so does one of connecting: a server that lets nobody in,
// as while a password is changed, is away.
func (b *Bus) failed(ctx context.Context, what, tenant string, err error) error {
	var answer *pgconn.PgError
	var connect *pgconn.ConnectError
	var conflict *event.ConflictError
	switch {
	case b.closed():
		err = event.ErrClosed
	case ctx.Err() != nil:
		err = ctx.Err()
	case errors.Is(err, event.ErrFull) || errors.As(err, &conflict) || errors.Is(err, errPosition):
	case errors.As(err, &connect) || !errors.As(err, &answer) || temporary(answer.Code):
		err = fmt.Errorf("%w: %w", event.ErrUnavailable, err)
	}
	return fmt.Errorf("%s tenant %s: %w", what, tenant, err)
}

// temporary reports whether the same may work a little later.
func temporary(code string) bool {
	switch code[:2] {
	case "57", "53", "40", "08", "55", "25": // stopped, resources, rolled back, connection, lock, idle or read-only
		return true
	}
	return false
}
