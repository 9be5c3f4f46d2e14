package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/runnel-dev/runnel/runtime/database"
	"github.com/runnel-dev/runnel/runtime/event"
)

// Migrate checks the server and migrates.
func Migrate(ctx context.Context, url string) error {
	config, err := configure(url)
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return err
	}
	defer database.Close(conn)
	if err := check(ctx, conn); err != nil {
		return err
	}
	return migrations.Migrate(ctx, conn)
}

// Limit sets how many bytes may wait, of all tenants.
func Limit(bus event.Bus, most int64) { bus.(*Bus).room.Most = most }

// Horizon is a horizon on a connection.
type Horizon struct {
	horizon
	Conn *pgx.Conn
}

func (h *Horizon) Begin(ctx context.Context, tenant string) (int64, error) {
	b, err := h.begin(ctx, h.Conn)
	return b.of(tenant), err
}

func (h *Horizon) Look(ctx context.Context, tenant string) (int64, error) {
	b, err := h.look(ctx, h.Conn)
	return b.of(tenant), err
}

func (h *Horizon) Reset(last int64) { h.reset(last) }
