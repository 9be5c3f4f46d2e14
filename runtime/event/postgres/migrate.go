package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
)

// migrations are numbered from 1 by their names. One that was released is never
// changed.
//
//go:embed migrations/*.sql
var migrations embed.FS

const (
	// migrationLock is the advisory lock that a migrating server holds, of the store as
	// of the bus, which share a schema: "runnel" in ASCII.
	migrationLock = 0x72756e6e656c
	// migrationTime is how long a server may migrate, and others wait for it.
	migrationTime = 5 * time.Minute
)

// migrate brings what the bus has in the schema to the version that this program knows, in one
// transaction. Servers that start at the same time wait for the first.
func migrate(ctx context.Context, conn *pgx.Conn) error {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, migrationTime)
	defer cancel()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}) // to see what the one before has done
	if err != nil {
		return err
	}
	if err := apply(ctx, tx, files); err != nil {
		return errors.Join(fmt.Errorf("migrate: %w", err), rollback(ctx, tx))
	}
	return tx.Commit(ctx)
}

func apply(ctx context.Context, tx pgx.Tx, files []string) error {
	version, err := prepare(ctx, tx)
	if err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("the events in the schema runnel have version %d, and this program knows those up to %d: run the version that migrated it, or a later one", version, len(files))
	}
	for version < len(files) {
		text, err := migrations.ReadFile(files[version])
		if err != nil {
			return err
		}
		version++
		if _, err := tx.Exec(ctx, string(text)); err != nil {
			return fmt.Errorf("to version %d: %w", version, err)
		}
		if _, err := tx.Exec(ctx, "insert into runnel.event_migrations (version) values ($1)", version); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the schema where it is missing and returns its version. A role
// that may not make schemas can be given one.
func prepare(ctx context.Context, tx pgx.Tx) (version int, err error) {
	for _, setting := range []string{"lock_timeout", "statement_timeout"} {
		if _, err := tx.Exec(ctx, fmt.Sprintf("set local %s = %d", setting, migrationTime.Milliseconds())); err != nil {
			return 0, err
		}
	}
	if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock($1)", migrationLock); err != nil {
		return 0, err
	}
	var there bool
	if err := tx.QueryRow(ctx, "select to_regnamespace('runnel') is not null").Scan(&there); err != nil {
		return 0, err
	}
	if !there {
		if _, err := tx.Exec(ctx, "create schema runnel"); err != nil {
			return 0, err
		}
	}
	_, err = tx.Exec(ctx, "create table if not exists runnel.event_migrations (version integer primary key, applied timestamptz not null default now())")
	if err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, "select coalesce(max(version), 0) from runnel.event_migrations").Scan(&version)
	return version, err
}

// rollback also works where the context has ended.
func rollback(ctx context.Context, tx pgx.Tx) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTime)
	defer cancel()
	if err := tx.Rollback(ctx); !errors.Is(err, pgx.ErrTxClosed) {
		return err
	}
	return nil
}
