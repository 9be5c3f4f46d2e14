package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runnel-dev/runnel/runtime/database"
	"github.com/runnel-dev/runnel/runtime/store"
)

const (
	// channel is that of NOTIFY. Its messages are a revision and its tenant.
	channel = "runnel"
	// compareEvery is how often all revisions are compared, notified or not. The
	// answer also shows that the connection lives.
	compareEvery = 2 * time.Second
	compareTime  = 10 * time.Second
	maxReconnect = time.Second
)

// follower has a connection of its own that listens for the changes of all nodes,
// this one's too.
type follower struct {
	config  *pgx.ConnConfig
	changes *store.Changes
	logger  *slog.Logger
	known   map[string]int64 // the last revision of each tenant; nil before the first comparison
	failing bool             // so that it is logged once
	swept   time.Time        // when revisions of deleted tenants were looked for
}

func newFollower(config *pgx.ConnConfig, changes *store.Changes, logger *slog.Logger) *follower {
	config = config.Copy()
	config.RuntimeParams["application_name"] += " follow"
	return &follower{config: config, changes: changes, logger: logger}
}

// run follows until ctx ends. It takes the connection over.
func (f *follower) run(ctx context.Context, conn *pgx.Conn) {
	for {
		err := f.listen(ctx, conn)
		database.Close(conn)
		for pause := firstPause; ; pause = min(2*pause, maxReconnect) {
			f.log(ctx, err)
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			if conn, err = f.connect(ctx); err == nil {
				break
			}
		}
		f.log(ctx, nil)
	}
}

// log tells of the first failure, and of the end of all.
func (f *follower) log(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil: // it is not wanted any more
	case err != nil && !f.failing:
		f.failing = true
		f.logger.Warn("what other nodes change is not heard of until the store is reached again", "error", err)
	case err == nil && f.failing:
		f.failing = false
		f.logger.Info("what other nodes change is heard of again")
	}
}

// connect returns a connection that listens, with all that was changed before
// told of.
func (f *follower) connect(ctx context.Context) (*pgx.Conn, error) {
	conn, err := pgx.ConnectConfig(ctx, f.config)
	if err != nil {
		return nil, err
	}
	if _, err = conn.Exec(ctx, "listen "+channel); err == nil {
		err = f.compare(ctx, conn)
	}
	if err != nil {
		database.Close(conn)
		return nil, fmt.Errorf("follow changes: %w", err)
	}
	return conn, nil
}

// listen tells of what it is notified of, and of what it finds changed, until
// the connection fails or ctx ends.
func (f *follower) listen(ctx context.Context, conn *pgx.Conn) error {
	for {
		if err := f.listenUntil(ctx, conn, time.Now().Add(compareEvery)); err != nil {
			return err
		}
		if err := f.compare(ctx, conn); err != nil {
			return err
		}
		f.sweep(ctx, conn)
	}
}

func (f *follower) listenUntil(ctx context.Context, conn *pgx.Conn, deadline time.Time) error {
	until, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for {
		notification, err := conn.WaitForNotification(until)
		switch {
		case err == nil:
			f.notified(notification.Payload)
		case until.Err() != nil && ctx.Err() == nil && !conn.IsClosed():
			return nil
		default:
			return fmt.Errorf("listen for changes: %w", err)
		}
	}
}

func (f *follower) notified(payload string) {
	number, tenant, ok := strings.Cut(payload, " ")
	revision, err := strconv.ParseInt(number, 10, 64)
	if ok && err == nil && revision > f.known[tenant] { // others may notify as they like
		f.known[tenant] = revision
		f.changes.Tell(tenant)
	}
}

// compare tells of the tenants whose revisions have changed, or are not there any
// more: those were deleted. A revision that
// counts up is not enough to ask for: transactions do not commit in their order.
func (f *follower) compare(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, compareTime)
	defer cancel()
	rows, err := conn.Query(ctx, "select tenant, revision from runnel.revisions")
	if err != nil {
		return fmt.Errorf("compare revisions: %w", err)
	}
	first := f.known == nil
	if first {
		f.known = map[string]int64{}
	}
	var tenant string
	var revision int64
	there := make(map[string]struct{}, len(f.known))
	_, err = pgx.ForEachRow(rows, []any{&tenant, &revision}, func() error {
		there[tenant] = struct{}{}
		if f.known[tenant] != revision {
			f.known[tenant] = revision
			if !first {
				f.changes.Tell(tenant)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare revisions: %w", err)
	}
	for tenant := range f.known {
		if _, ok := there[tenant]; !ok {
			delete(f.known, tenant)
			f.changes.Tell(tenant)
		}
	}
	return nil
}
