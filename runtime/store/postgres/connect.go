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
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	connectTime   = 10 * time.Second
	statementTime = 60 * time.Second // 64 MiB take their time on a slow network
	lockTime      = 10 * time.Second
	idleTime      = 2 * time.Minute // of a transaction: the reader of a backup may be slow

	minVersion = 15
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
	if !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
		return nil, errUnreadable
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, unreadable(text, err)
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
	config.AfterConnect = durable
	return config, nil
}

var errUnreadable = errors.New("the URL of the store cannot be read: it looks like postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full, and what is special in a password is written as in %2F for a slash")

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
	return errors.New("the URL of the store cannot be read: " + reason)
}

// durable has commits wait for the disk where the database would not.
func durable(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "select set_config('synchronous_commit', 'on', false) where current_setting('synchronous_commit') = 'off'")
	return lost(conn, err)
}

// check refuses servers and databases that cannot keep the records.
func check(ctx context.Context, conn *pgx.Conn) error {
	var version int
	var encoding string
	err := conn.QueryRow(ctx, "select current_setting('server_version_num')::int / 10000, current_setting('server_encoding')").Scan(&version, &encoding)
	switch {
	case err != nil:
		return err
	case version < minVersion:
		return fmt.Errorf("the server is PostgreSQL %d, and %d or later is needed", version, minVersion)
	case encoding != "UTF8":
		return fmt.Errorf("the database has the encoding %s, and UTF8 is needed: create database … encoding 'UTF8' template template0", encoding)
	}
	return nil
}
