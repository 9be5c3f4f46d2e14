// Package database is what the store and the bus need of a PostgreSQL alike: how
// its URL is read, which servers are refused, and how tables are migrated.
package database

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	connectTime = 10 * time.Second
	closeTime   = 5 * time.Second

	minVersion = 15
)

// Configure reads a URL. settings are those of each connection where the URL has no
// others. Errors name the user of the database, such as store, and do not tell
// the password.
func Configure(user, text string, settings map[string]string) (*pgxpool.Config, error) {
	if !strings.HasPrefix(text, "postgres://") && !strings.HasPrefix(text, "postgresql://") {
		return nil, unreadable(user)
	}
	config, err := pgxpool.ParseConfig(text)
	if err != nil {
		return nil, refused(user, text, err)
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
	return config, nil
}

func unreadable(user string) error {
	return fmt.Errorf("the URL of the %s cannot be read: it looks like postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=verify-full, and what is special in a password is written as in %%2F for a slash", user)
}

// refused says what is wrong with the URL where that can be told apart from the
// password.
func refused(user, text string, err error) error {
	u, parseErr := url.Parse(text)
	if parseErr != nil || u.Host == "" {
		return unreadable(user)
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
		return unreadable(user)
	}
	return fmt.Errorf("the URL of the %s cannot be read: %s", user, reason)
}

// Check refuses servers and databases that Runnel's tables cannot lie in.
func Check(ctx context.Context, conn *pgx.Conn) error {
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

// Close closes a connection that is not used any more.
func Close(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	_ = conn.Close(ctx)
}

// Rollback gives up a transaction, also where the context has ended. One that has
// ended is none.
func Rollback(ctx context.Context, tx pgx.Tx) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTime)
	defer cancel()
	if err := tx.Rollback(ctx); !errors.Is(err, pgx.ErrTxClosed) {
		return err
	}
	return nil
}
