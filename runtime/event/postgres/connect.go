package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/runnel-dev/runnel/runtime/database"
)

const (
	statementTime = 60 * time.Second // a batch of large events takes its time on a slow network
	lockTime      = 10 * time.Second

	maxConnections = 8 // of one node, besides the one that listens
	minConnections = 3 // the tail has one, and who publishes may have to wait
)

// settings of each connection, where the URL has no others.
var settings = map[string]string{
	"application_name":                    "runnel bus",
	"statement_timeout":                   strconv.FormatInt(statementTime.Milliseconds(), 10),
	"lock_timeout":                        strconv.FormatInt(lockTime.Milliseconds(), 10),
	"idle_in_transaction_session_timeout": strconv.FormatInt(statementTime.Milliseconds(), 10),
	"search_path":                         "pg_catalog",
	// Each statement is to see what was committed before it.
	"default_transaction_isolation": "read committed",
}

// Check says what Open would refuse about a URL before it connects. The error does not tell
// the password.
func Check(address string) error {
	_, err := configure(address)
	return err
}

// configure reads the URL. Its errors do not tell the password.
func configure(text string) (*pgxpool.Config, error) {
	config, err := database.Configure("bus", text, settings)
	if err != nil {
		return nil, err
	}
	if u, err := url.Parse(text); err != nil || u.Host == "" && u.Query().Get("host") == "" {
		return nil, errors.New("the URL of the bus names no host")
	}
	if !strings.Contains(text, "pool_max_conns=") { // its default follows the processors
		config.MaxConns = maxConnections
	}
	if config.MaxConns < minConnections {
		return nil, fmt.Errorf("the URL of the bus cannot be used: pool_max_conns is %d, and a node needs %d or more", config.MaxConns, minConnections)
	}
	config.ConnConfig.AfterConnect = func(_ context.Context, conn *pgconn.PgConn) error {
		conn.CustomData()[madeAt] = time.Now()
		return nil
	}
	return config, nil
}

// madeAt is where a connection keeps when it was made.
const madeAt = "made at"

// check refuses servers and databases that cannot keep events.
func check(ctx context.Context, conn *pgx.Conn) error {
	if err := database.Check(ctx, conn); err != nil {
		return err
	}
	var standby bool
	err := conn.QueryRow(ctx, "select pg_is_in_recovery()").Scan(&standby)
	if err == nil && standby {
		return errors.New("the server is a standby, and only the primary takes events: with several hosts in the URL, target_session_attrs=read-write finds it")
	}
	return err
}
