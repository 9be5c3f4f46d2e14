package transport

import (
	"log/slog"
	"net/netip"
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

	// TrustedProxies are the peers from which X-Forwarded-For and Forwarded are
	// believed; see ClientAddr.
	TrustedProxies []netip.Prefix
	// UnauthenticatedPerAddress is how many sockets of one client address, an IPv6
	// address by its /64, may be open and not yet acknowledged; 64.
	UnauthenticatedPerAddress int
	// UnauthenticatedTotal is how many of all addresses may; 10,000. Their number
	// is that of clients who arrive within a round trip and the time that their
	// credentials take, and it bounds what those cost who only hold on.
	UnauthenticatedTotal int

	// DrainTime is how long Shutdown takes to close all connections, so that their
	// clients don't return at once. Zero closes them together.
	DrainTime time.Duration

	InitTimeout  time.Duration // from the upgrade to connection_init; 10 s
	KeepAlive    time.Duration // between two pings; a peer that left two in a row unanswered is cut with the third beat; and between two comments of an event stream; 12 s
	WriteTimeout time.Duration // for each write to a socket or of a response; 10 s
	CloseTimeout time.Duration // from our close frame to the peer's, and for what an event stream has left to write; 5 s
}

func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.UnauthenticatedPerAddress <= 0 {
		c.UnauthenticatedPerAddress = 64
	}
	if c.UnauthenticatedTotal <= 0 {
		c.UnauthenticatedTotal = 10_000
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
