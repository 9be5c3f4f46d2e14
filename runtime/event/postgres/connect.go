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
)

const (
	connectTime   = 10 * time.Second
	statementTime = 60 * time.Second // a batch of large events takes its time on a slow network
	lockTime      = 10 * time.Second
	cleanupTime   = 5 * time.Second

	maxConnections = 8 // of one node, besides the one that listens
	minConnections = 3 // the tail has one, and who publishes may have to wait

	minVersion = 15
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
	if !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
		return nil, errUnreadable
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, unreadable(text, err)
	}
	if u, err := url.Parse(text); err != nil || u.Host == "" && u.Query().Get("host") == "" {
		return nil, errors.New("the URL of the bus names no host")
	}
	c := config.ConnConfig
	if c.ConnectTimeout == 0 || c.ConnectTimeout > time.Minute {
		c.ConnectTimeout = connectTime
	}
	for name, value := range settings {
		if _, there := c.RuntimeParams[name]; !there {
			c.RuntimeParams[name] = value
		}
	}
	if !strings.Contains(text, "pool_max_conns=") { // its default follows the processors
		config.MaxConns = maxConnections
	}
	if config.MaxConns < minConnections {
		return nil, fmt.Errorf("the URL of the bus cannot be used: pool_max_conns is %d, and a node needs %d or more", config.MaxConns, minConnections)
	}
	c.AfterConnect = func(_ context.Context, conn *pgconn.PgConn) error {
		conn.CustomData()[madeAt] = time.Now()
		return nil
	}
	return config, nil
}

// madeAt is where a connection keeps when it was made.
const madeAt = "made at"

var errUnreadable = errors.New("the URL of the bus cannot be read: it looks like postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full, and what is special in a password is written as in %2F for a slash")

// unreadable says what is wrong with the URL where that can be told apart from
// the password.
func unreadable(text string, err error) error {
	u, parseErr := url.Parse(text)
	if parseErr != nil || u.Host == "" {
		return errUnreadable
	}
	// pgx gives the URL first, in backquotes, and masks what it takes for a password.
	_, reason, found := strings.Cut(strings.TrimPrefix(err.Error(), "cannot parse `"), "`: ")
	password, _ := u.User.Password()
	for _, secret := range append(u.Query()["password"], password) {
		if secret != "" && strings.Contains(reason, secret) {
			found = false
		}
	}
	if !found {
		return errUnreadable
	}
	return errors.New("the URL of the bus cannot be read: " + reason)
}

// check refuses servers and databases that cannot keep events.
func check(ctx context.Context, conn *pgx.Conn) error {
	var version int
	var encoding string
	var standby bool
	err := conn.QueryRow(ctx, "select current_setting('server_version_num')::int / 10000, current_setting('server_encoding'), pg_is_in_recovery()").Scan(&version, &encoding, &standby)
	switch {
	case err != nil:
		return err
	case version < minVersion:
		return fmt.Errorf("the server is PostgreSQL %d, and %d or later is needed", version, minVersion)
	case encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s, and UTF8 is needed: create database … encoding 'UTF8' template template0", encoding)
	case standby:
		return errors.New("the server is a standby, and only the primary takes events: with several hosts in the URL, target_session_attrs=read-write finds it")
	}
	return nil
}

func closeConn(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), cleanupTime)
	defer cancel()
	_ = conn.Close(ctx) // it is not used any more
}
