package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/runnel-dev/runnel/runtime/database"
	"github.com/runnel-dev/runnel/runtime/store"
)

// callTime bounds a call where the server does not answer, not even that the time
// of the statement is over.
const callTime = statementTime + 10*time.Second

// transaction is a store.Tx.
type transaction struct {
	ctx      context.Context // of the call of View or Update
	conn     *pgxpool.Conn
	tx       pgx.Tx
	writable bool
	failed   error // what the database failed with first
}

// statements are those of one table.
type statements struct{ get, put, remove, removeAll, scan, tenants string }

var statementsOf = func() map[store.Table]statements {
	all := map[store.Table]statements{}
	for _, table := range store.Tables() {
		name := pgx.Identifier{"runnel", string(table)}.Sanitize()
		all[table] = statements{
			get:       "select record from " + name + " where tenant = $1 and id = $2",
			put:       "insert into " + name + " (tenant, id, record) values ($1, $2, $3) on conflict (tenant, id) do update set record = excluded.record",
			remove:    "delete from " + name + " where tenant = $1 and id = $2",
			removeAll: "delete from " + name + " where tenant = $1",
			scan:      "select id, record from " + name + " where tenant = $1 and id > $2 order by id limit $3",
			tenants:   "select distinct tenant from " + name + " where tenant > $1 order by tenant limit $2",
		}
	}
	return all
}()

// announcement counts the tenant's revision up and tells all nodes of it, when
// the transaction is committed.
const announcement = `
	with changed as (
		insert into runnel.revisions (tenant, revision) values ($1, nextval('runnel.revision'))
		on conflict (tenant) do update set revision = excluded.revision, gone = null
		returning tenant, revision)
	select pg_notify('` + channel + `', revision || ' ' || tenant) from changed`

// call does one thing with the database. After a failure there is no other: the
// server has given the transaction up.
func (tx *transaction) call(what string, table store.Table, do func(context.Context) error) error {
	if tx.failed != nil {
		return tx.failed
	}
	ctx, cancel := context.WithTimeout(tx.ctx, callTime)
	defer cancel()
	err := do(ctx)
	if err == nil || errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	tx.failed = fmt.Errorf("%s %s: %w", what, table, lost(tx.conn.Conn(), err))
	return tx.failed
}

func (tx *transaction) exec(what string, table store.Table, sql string, arguments ...any) error {
	return tx.call(what, table, func(ctx context.Context) error {
		_, err := tx.tx.Exec(ctx, sql, arguments...)
		return err
	})
}

func (tx *transaction) Get(table store.Table, tenant, id string) ([]byte, error) {
	if err := store.CheckKey(tenant, id); err != nil {
		return nil, err
	}
	value := []byte{}
	err := tx.call("get from", table, func(ctx context.Context) error {
		return tx.tx.QueryRow(ctx, statementsOf[table].get, tenant, id).Scan(&value)
	})
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, store.ErrNotFound
	}
	return value, err
}

func (tx *transaction) Put(table store.Table, tenant, id string, value []byte) error {
	if err := store.CheckRecord(table, tenant, id, value); err != nil {
		return err
	}
	if !tx.writable {
		return store.ErrReadOnly
	}
	if value == nil {
		value = []byte{} // nil is NULL
	}
	return tx.exec("put into", table, statementsOf[table].put, tenant, id, value)
}

func (tx *transaction) Delete(table store.Table, tenant, id string) error {
	if err := store.CheckKey(tenant, id); err != nil {
		return err
	}
	if !tx.writable {
		return store.ErrReadOnly
	}
	return tx.exec("delete from", table, statementsOf[table].remove, tenant, id)
}

func (tx *transaction) DeleteAll(table store.Table, tenant string) error {
	if err := store.CheckScan(tenant, ""); err != nil {
		return err
	}
	if !tx.writable {
		return store.ErrReadOnly
	}
	return tx.exec("delete from", table, statementsOf[table].removeAll, tenant)
}

func (tx *transaction) Scan(table store.Table, tenant, after string, limit int) (records []store.Record, err error) {
	if err := store.CheckScan(tenant, after); err != nil || limit <= 0 {
		return nil, err
	}
	err = tx.call("scan", table, func(ctx context.Context) error {
		rows, err := tx.tx.Query(ctx, statementsOf[table].scan, tenant, after, limit)
		if err != nil {
			return err
		}
		records, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r store.Record, err error) {
			err = row.Scan(&r.ID, &r.Value)
			return r, err
		})
		return err
	})
	return records, err
}

func (tx *transaction) Tenants(table store.Table, after string, limit int) (ids []string, err error) {
	if err := store.CheckScan("", after); err != nil || limit <= 0 {
		return nil, err
	}
	err = tx.call("list tenants of", table, func(ctx context.Context) error {
		rows, err := tx.tx.Query(ctx, statementsOf[table].tenants, after, limit)
		if err != nil {
			return err
		}
		ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		return err
	})
	return ids, err
}

// announce has Watch tell of the tenant, on every node.
func (tx *transaction) announce(tenant string) error {
	if err := store.CheckScan(tenant, ""); err != nil {
		return err
	}
	return tx.exec("count up the", "revisions", announcement, tenant)
}

// commit is the last call. again says that nothing was kept.
func (tx *transaction) commit() (again bool, err error) {
	ctx, cancel := context.WithTimeout(tx.ctx, callTime)
	defer cancel()
	if tx.conn.Conn().IsClosed() {
		return true, errLost
	}
	// pgconn.SafeToRetry is of no use for what this fails with: pgx 5.12 says that a
	// connection was closed before, where it closed while the answer was awaited.
	err = tx.tx.Commit(ctx)
	switch {
	case err == nil:
		return false, nil
	case conflict(err):
		return true, fmt.Errorf("commit: %w", err)
	case errors.Is(err, pgx.ErrTxCommitRollback):
		return false, err
	}
	return false, fmt.Errorf("commit, and it is not known whether the change was kept: %w", err)
}

// end gives the connection back, and the transaction up where it was not
// committed.
func (tx *transaction) end() {
	_ = database.Rollback(tx.ctx, tx.tx) // the pool closes what it does not get back clean
	tx.conn.Release()
}
