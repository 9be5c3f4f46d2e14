// Package redis is the bus on a Redis server, 7.0 or later. Its URLs begin with
// redis:// or, with TLS, rediss://.
//
// Each tenant has a stream, which holds its events in their order, and beside it what
// the server notes of it. A node reads all streams on one connection.
package redis

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/runnel-dev/runnel/runtime/event"
)

func init() {
	open := func(ctx context.Context, u *url.URL, options event.Options) (event.Bus, error) {
		return Open(ctx, u, options)
	}
	event.Register("redis", open)
	event.Register("rediss", open)
	redis.SetLogger(silent{})
}

// silent is the logger of go-redis, which has one for the whole program: what it has
// to say comes as errors, too.
type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

const (
	dialTime = 5 * time.Second
	callTime = 10 * time.Second // of a command; a batch of large events takes its time
)

// Bus implements event.Bus.
type Bus struct {
	client *redis.Client
	prefix string // of all keys
	logger *slog.Logger
	start  id
	room   event.Room

	mu      sync.Mutex
	streams map[string]*stream // of the tenants that were listed or published for
	tailed  bool
	closed  bool
	changed bool // streams has, since the reader looked

	// upkeep is held while tenants are removed, and by who may write to what a tenant
	// has been left with.
	upkeep sync.Mutex
}

// Open connects to the server of a URL.
func Open(ctx context.Context, u *url.URL, options event.Options) (*Bus, error) {
	a, err := parseAddress(u)
	if err != nil {
		return nil, err
	}
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	b := &Bus{prefix: a.prefix, logger: options.Logger, streams: map[string]*stream{}}
	b.client = redis.NewClient(&redis.Options{
		Addr: a.host, Username: a.user, Password: a.password, DB: a.db, TLSConfig: a.tls, ClientName: "runnel",
		// Commands are sent once: those that may be repeated are repeated here.
		MaxRetries: -1, DialerRetries: 1,
		DialTimeout: dialTime, ReadTimeout: callTime, WriteTimeout: callTime, ContextTimeoutEnabled: true,
		PoolSize: a.connections + 1, MaxActiveConns: a.connections + 1, PoolTimeout: callTime, // one of them tails
		PipelinePoolSize: -1, // no further ones
		Protocol:         2, DisableIdentity: true, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	if err := b.greet(ctx); err != nil {
		return nil, errors.Join(err, b.client.Close())
	}
	return b, nil
}

// greet looks who answers, and takes the time at which the bus begins.
func (b *Bus) greet(ctx context.Context) error {
	text, err := b.client.Info(ctx, "everything").Result()
	if err != nil {
		return explain(err)
	}
	info := parseInfo(text)
	if mode := info["redis_mode"]; mode != "" && mode != "standalone" {
		return fmt.Errorf("the server runs in mode %s: the bus needs a Redis that is one server; tenants' streams and their order are not spread over several", mode)
	}
	if major, _, _ := strings.Cut(info["redis_version"], "."); major != "" {
		if n, err := strconv.Atoi(major); err != nil || n < 7 {
			return fmt.Errorf("the server is Redis %s: the bus needs 7.0 or later", info["redis_version"])
		}
	}
	if info["role"] == "slave" {
		return errors.New("the server is a replica: the bus needs the primary")
	}
	if info["aof_enabled"] == "0" {
		b.logger.WarnContext(ctx, "Redis keeps no append-only file: a restart loses the events since its last snapshot; set appendonly yes")
	}
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		b.logger.WarnContext(ctx, "Redis may evict events: set maxmemory-policy noeviction", "maxmemory-policy", policy)
	}
	return b.begin(ctx)
}

// begin sets the start behind all ids that the server has given out: it waits
// for the next millisecond.
func (b *Bus) begin(ctx context.Context) error {
	first, err := b.client.Time(ctx).Result()
	if err != nil {
		return explain(err)
	}
	for {
		now, err := b.client.Time(ctx).Result()
		if err != nil {
			return explain(err)
		}
		if now.UnixMilli() != first.UnixMilli() {
			b.start = id{uint64(now.UnixMilli() - 1), math.MaxUint64}
			return nil
		}
	}
}

// parseInfo reads the answer to INFO.
func parseInfo(text string) map[string]string {
	info := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			info[name] = value
		}
	}
	return info
}

// Backlog implements event.Bus.
func (b *Bus) Backlog(tenant string) event.Backlog {
	b.mu.Lock()
	s := b.streams[tenant]
	b.mu.Unlock()
	if s == nil {
		return event.Backlog{}
	}
	return s.backlog()
}

// Start implements event.Bus.
func (b *Bus) Start() event.Position { return b.start.position() }

// Close implements event.Bus.
func (b *Bus) Close() error {
	b.mu.Lock()
	closed := b.closed
	b.closed = true
	b.mu.Unlock()
	if closed {
		return nil
	}
	return b.client.Close()
}

func (b *Bus) checkOpen() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return event.ErrClosed
	}
	return nil
}

// Keys of a tenant. Its publishers write to the first; the others are the servers' own.
func (b *Bus) eventsKey(tenant string) string { return b.prefix + ":" + tenant + ":events" }
func (b *Bus) metaKey(tenant string) string   { return b.prefix + ":" + tenant + ":meta" }
func (b *Bus) idsKey(tenant string) string    { return b.prefix + ":" + tenant + ":ids" }
func (b *Bus) oldIDsKey(tenant string) string { return b.prefix + ":" + tenant + ":ids:old" }

// Keys of all tenants: no tenant has the empty name.
func (b *Bus) wakeKey() string  { return b.prefix + "::wake" }
func (b *Bus) leaseKey() string { return b.prefix + "::trimmer" }

// Remove implements event.Bus.
func (b *Bus) Remove(ctx context.Context, tenant string) error {
	if err := b.checkOpen(); err != nil {
		return fmt.Errorf("remove the events of tenant %s: %w", tenant, err)
	}
	b.upkeep.Lock()
	defer b.upkeep.Unlock()
	_, err := b.client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.Unlink(ctx, b.eventsKey(tenant), b.metaKey(tenant), b.idsKey(tenant), b.oldIDsKey(tenant))
		// Other nodes hear of the removal later than this: they would take the stream that
		// is gone for one that was lost.
		p.HSet(ctx, b.metaKey(tenant), "removed", 1)
		p.PExpire(ctx, b.metaKey(tenant), removedTime)
		return nil
	})
	if err != nil {
		return fmt.Errorf("remove the events of tenant %s: %w", tenant, explain(err))
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.streams[tenant]; s != nil {
		s.forget()
	}
	return nil
}

// removedTime is for how long a removed tenant is remembered.
const removedTime = time.Minute
