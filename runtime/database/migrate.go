package database

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/jackc/pgx/v5"
)

const (
	// migrationLock is the advisory lock that a migrating server holds, of the store as
	// of the bus, which share a schema: "runnel" in ASCII.
	migrationLock = 0x72756e6e656c
	// migrationTime is how long a server may migrate, and others wait for it.
	migrationTime = 5 * time.Minute
)

// Migrations are the steps by which the tables of one user of the database came to
// be. One that was released is never changed.
type Migrations struct {
	// Files has them as *.sql in its folder migrations, numbered from 1 by their names.
	Files fs.FS
	// Table is where those that were made are listed, with its schema runnel.
	Table string
	// What names the tables in the error of a program that is too old for them.
	What string
}

// Migrate brings the tables to the version that this program knows, in one
// transaction. Servers that start at the same time wait for the first.
func (m Migrations) Migrate(ctx context.Context, conn *pgx.Conn) error {
	files, err := fs.Glob(m.Files, "migrations/*.sql")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, migrationTime)
	defer cancel()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted}) // to see what the one before has done
	if err != nil {
		return err
	}
	if err := m.apply(ctx, tx, files); err != nil {
		return errors.Join(fmt.Errorf("migrate: %w", err), Rollback(ctx, tx))
	}
	return tx.Commit(ctx)
}

func (m Migrations) apply(ctx context.Context, tx pgx.Tx, files []string) error {
	version, err := m.prepare(ctx, tx)
	if err != nil {
		return err
	}
	if version > len(files) {
		return fmt.Errorf("%s has version %d, and this program knows those up to %d: run the version that migrated it, or a later one", m.What, version, len(files))
	}
	for version < len(files) {
		text, err := fs.ReadFile(m.Files, files[version])
		if err != nil {
			return err
		}
		version++
		if _, err := tx.Exec(ctx, string(text)); err != nil {
			return fmt.Errorf("to version %d: %w", version, err)
		}
		if _, err := tx.Exec(ctx, "insert into "+m.Table+" (version) values ($1)", version); err != nil {
			return err
		}
	}
	return nil
}

// prepare makes the schema where it is missing and returns the tables' version. A
// role that may not make schemas can be given one.
func (m Migrations) prepare(ctx context.Context, tx pgx.Tx) (version int, err error) {
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
	if _, err := tx.Exec(ctx, "create table if not exists "+m.Table+" (version integer primary key, applied timestamptz not null default now())"); err != nil {
		return 0, err
	}
	err = tx.QueryRow(ctx, "select coalesce(max(version), 0) from "+m.Table).Scan(&version)
	return version, err
}
