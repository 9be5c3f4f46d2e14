package postgres

import (
	"context"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/runnel-dev/runnel/runtime/database"
)

const (
	statementTime = 60 * time.Second // 64 MiB take their time on a slow network
	lockTime      = 10 * time.Second
	idleTime      = 2 * time.Minute // of a transaction: the reader of a backup may be slow
)

// settings of each connection, where the URL has no others.
var settings = map[string]string{
	"application_name":                    "runnel",
	"statement_timeout":                   strconv.FormatInt(statementTime.Milliseconds(), 10),
	"lock_timeout":                        strconv.FormatInt(lockTime.Milliseconds(), 10),
	"idle_in_transaction_session_timeout": strconv.FormatInt(idleTime.Milliseconds(), 10),
	// A transaction that is serializable conflicts with all writes to a table that it
	// has read from the start to the end, which is how small ones are read otherwise.
	"enable_seqscan": "off",
}

// Check tells what Open would find wrong with a URL before it connects. Its error
// does not tell the password.
func Check(text string) error {
	_, err := configure(text)
	return err
}

// configure reads the URL. Its errors do not tell the password.
func configure(text string) (*pgxpool.Config, error) {
	config, err := database.Configure("store", text, settings)
	if err != nil {
		return nil, err
	}
	config.AfterConnect = durable
	return config, nil
}

// durable has commits wait for the disk where the database would not.
func durable(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'")
	return lost(conn, err)
}
