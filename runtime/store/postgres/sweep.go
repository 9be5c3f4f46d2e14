package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/runnel-dev/runnel/runtime/database"
)

const (
	// sweepEvery is how often a node looks for revisions of deleted tenants.
	sweepEvery = time.Hour
	sweepTime  = time.Minute
)

// A revision outlives its tenant for a day, so that a node which was away finds
// that it has changed. One that has seen it finds that it is missing, however late.
//
// What is locked is being changed: it is not waited for. A tenant that is created
// at the same time may be marked, which its next change takes back, and is not removed: its
// change has the revision locked, or has taken the mark away.
const (
	markGone = `
		update runnel.revisions set gone = now() where tenant in (
			select tenant from runnel.revisions r
			where gone is null and not exists (select from runnel.tenants t where t.tenant = '' and t.id = r.tenant)
			for update skip locked)`
	removeGone = `
		delete from runnel.revisions where tenant in (
			select tenant from runnel.revisions r
			where gone < now() - interval '1 day' and not exists (select from runnel.tenants t where t.tenant = '' and t.id = r.tenant)
			for update skip locked)`
)

// sweep removes the revisions of tenants that were deleted long ago, unless the node
// has just looked. Nothing depends on it: where it fails the next one does it.
func (f *follower) sweep(ctx context.Context, conn *pgx.Conn) {
	if time.Since(f.swept) < sweepEvery {
		return
	}
	f.swept = time.Now()
	ctx, cancel := context.WithTimeout(ctx, sweepTime)
	defer cancel()
	for _, statement := range []string{removeGone, markGone} {
		if err := inReadCommitted(ctx, conn, statement); err != nil {
			f.logger.Warn("the revisions of deleted tenants are not removed", "error", err)
			return
		}
	}
}

// inReadCommitted runs a statement that looks again at what it has locked,
// whatever the database's default is.
func inReadCommitted(ctx context.Context, conn *pgx.Conn, statement string) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted})
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, statement); err != nil {
		_ = database.Rollback(ctx, tx) // the connection is given up where it is not clean
		return err
	}
	return tx.Commit(ctx)
}
