package transport

import (
	"log/slog"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Config is what a Handler needs. Executor, Authenticator and Tenants are
// required; the zero values of the others stand for their defaults.
type Config struct {
	Executor      Executor
	Authenticator Authenticator
	Tenants       Tenants

	// Logger receives the handler's own failures, never a subscriber's mistakes.
	// Nil discards.
	Logger *slog.Logger

	// AllowOrigin decides whether a page of that origin may reach the tenant. It
	// is asked where a request has the header Origin; t is nil where the request
	// names a tenant that does not exist. Nil allows every origin,
	// which is safe: no cookie and no other ambient credential is ever read.
	AllowOrigin func(origin string, t *tenant.Tenant) bool

	InitTimeout  time.Duration // from the upgrade to connection_init; 10 s
	KeepAlive    time.Duration // between two pings; a peer that left two in a row unanswered is cut with the third beat; and between two comments of an event stream; 12 s
	WriteTimeout time.Duration // for each write to a socket or of a response; 10 s
	CloseTimeout time.Duration // from our close frame to the peer's, and for what an event stream has left to write; 5 s
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		field    *time.Duration
		fallback time.Duration
	}{
		{&c.InitTimeout, 10 * time.Second},
		{&c.KeepAlive, 12 * time.Second},
		{&c.WriteTimeout, 10 * time.Second},
		{&c.CloseTimeout, 5 * time.Second},
	} {
		if *d.field <= 0 {
			*d.field = d.fallback
		}
	}
	return c
}
