// Package runtime is the server as a library: New wires bus, broker, sandbox,
// registry and transports into one http.Handler.
//
//	runtime.CompileMain() // first thing in main
//	server, err := runtime.New(runtime.Config{Dev: true})
//	…
//	go server.Run(ctx)
//	http.ListenAndServe("127.0.0.1:8080", server)
package runtime

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	goruntime "runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/event/memory"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/ledger"
	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/store"
	storememory "github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/telemetry"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/token"
	"github.com/runnel-dev/runnel/runtime/transport"
)

// MinAdminToken is the least length of an admin token, in bytes.
const MinAdminToken = 32

// Config holds a Server's settings.
type Config struct {
	// Dev asks for no tokens, for any tenant, and believes subscribers who they
	// say they are. The handler then refuses requests whose Host or Origin is not
	// this machine; listen on loopback only.
	Dev bool
	// AdminToken guards /v1. It is required without Dev, and not asked for with it.
	AdminToken string
	// AdminApart keeps the routes of operators away from Handler, which answers
	// them 404: AdminHandler alone serves them.
	AdminApart bool
	// MetricsTenants is how many of the busiest tenants have metrics of their own.
	MetricsTenants int
	// Bus carries events. Nil means a memory bus of the server's own.
	Bus event.Bus
	// Store keeps tenants and modules, such as one of store/bolt does in a file.
	// It stays open when the server shuts down. Nil means one that keeps
	// nothing.
	Store store.Store
	// Node names this server among those of one store, in answers of /v1 and in what it
	// counts; nothing is lost where several have one name. Empty means the name of the
	// machine.
	Node string
	// Root serves "/" alone, behind the same checks as all routes. Its answer must be
	// written within 10 seconds. Nil is a 404.
	Root http.Handler
	// TrustedProxies are the peers whose X-Forwarded-For and Forwarded headers tell
	// where a client is. From others these mean nothing.
	TrustedProxies []netip.Prefix
	// UnauthenticatedPerAddress is how many sockets of one client address, an IPv6
	// address by its /64, may be open and not yet acknowledged. 0 means 64.
	UnauthenticatedPerAddress int
	// UnauthenticatedTotal is how many of all addresses may. 0 means 10,000.
	UnauthenticatedTotal int
	// DrainTime is how long Drain takes to send all subscribers away, so that they
	// don't come back at once. 0 sends them away together.
	DrainTime time.Duration
	// Logger receives what operators should know, and at level debug what the
	// modules of all tenants log. Nil discards.
	Logger *slog.Logger
	// CompileInProcess has modules compiled in this process and not in a child
	// process under limits. It is for programs whose main cannot call CompileMain,
	// and for modules that are trusted: a hostile one takes minutes of CPU time and
	// gigabytes of memory.
	CompileInProcess bool
	// CacheDir keeps compiled modules over restarts, in a directory of mode 0700.
	// Empty means a temporary one.
	CacheDir string
	// CacheKey authenticates what lies in CacheDir; at least 16 bytes. Nil means a
	// random key in the directory itself.
	CacheKey []byte
	// JWKSAllow are networks that are not public and that the keys of tenants'
	// issuers may be fetched from nevertheless.
	JWKSAllow []netip.Prefix
}

// CompileMain is the first thing that main calls in a program with a Server:
//
//	func main() {
//		runtime.CompileMain()
//		…
//	}
//
// A Server compiles each module in a child process under limits. Such a process
// is this program, started again: there CompileMain compiles one module and does
// not return. Everywhere else it returns at once. Without it New fails, unless
// Config.CompileInProcess is set.
func CompileMain() { sandbox.CompileMain() }

// Server is a whole Runnel server. It is safe for concurrent use. Run must be
// running for events to flow; Shutdown releases what New made.
type Server struct {
	config    Config
	bus       event.Bus
	store     store.Store
	tenants   *tenant.Directory
	verifier  *token.Verifier
	engine    *sandbox.Engine
	registry  *registry.Registry
	follower  *follower
	broker    *broker.Broker
	transport *transport.Handler
	pools     *pools
	ledger    *ledger.Ledger
	logs      *telemetry.Logs
	metrics   *telemetry.Metrics
	handler   http.Handler // for subscribers
	operators http.Handler

	began   atomic.Bool        // Run has
	running sync.WaitGroup     // calls of Run
	stopped context.Context    // ends with Shutdown
	stop    context.CancelFunc // of stopped
}

// New makes a server of what the store has. It fails where the program's main has not
// called CompileMain and the Config does not do without. One processor less than
// GOMAXPROCS is at that time runs guests, and at least one: where GOMAXPROCS is 1, guests that run
// long keep all else waiting for tens of milliseconds.
func New(config Config) (*Server, error) {
	if !config.Dev && len(config.AdminToken) < MinAdminToken {
		return nil, fmt.Errorf("the admin token has %d bytes, at least %d are needed", len(config.AdminToken), MinAdminToken)
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Node == "" {
		config.Node, _ = os.Hostname() // a machine without a name has answers without one
	}
	if config.Bus == nil {
		config.Bus = memory.New()
	}
	if config.Store == nil {
		config.Store = storememory.New()
	}
	if err := store.CheckRestored(context.Background(), config.Store); err != nil {
		return nil, err
	}
	s := &Server{config: config, bus: config.Bus, store: config.Store, tenants: tenant.NewDirectory(config.Store), logs: telemetry.NewLogs(telemetry.LogConfig{})}
	s.pools = newPools(config.Logger, s.logs)
	s.metrics = telemetry.New(telemetry.MetricsConfig{Source: source{s}, Tenants: config.MetricsTenants})
	engine, err := sandbox.New(context.Background(), sandbox.Config{
		CompileInChild: !config.CompileInProcess, Compilations: compilations(), OnCompile: s.compiled,
		CacheDir: config.CacheDir, CacheKey: config.CacheKey, Logger: config.Logger,
	})
	if err != nil {
		return nil, err
	}
	s.engine = engine
	s.verifier = token.New(token.Config{Allow: config.JWKSAllow, Logger: config.Logger})
	s.stopped, s.stop = context.WithCancel(context.Background())
	s.follower = newFollower(s.refresh, s.failed)
	key, err := cursorKey(context.Background(), config.Store)
	if err != nil {
		return nil, errors.Join(err, engine.Close(context.Background()))
	}
	s.broker = broker.New(broker.Config{Publisher: publisher{s}, Events: config.Bus, CursorKey: key, Debug: config.Dev, Logger: config.Logger})
	s.ledger = ledger.New(ledger.Config{Store: config.Store, Node: config.Node, Tenants: s.tenants.List, Usage: s.broker.Usage, Logger: config.Logger})
	s.registry = registry.New(registry.Config{Engine: engine, Store: config.Store, Uploads: compilations(), OnUpload: s.uploaded, Logger: config.Logger, OnActivate: func(t *tenant.Tenant, a *registry.Active) {
		s.broker.Activate(t, s.pools.version(t, a))
		s.metrics.Activated()
	}})
	settings := transport.Config{
		Executor: executor{s}, Authenticator: s, Tenants: s.tenants, AllowOrigin: allowOrigin, Logger: config.Logger, DrainTime: config.DrainTime,
		TrustedProxies: config.TrustedProxies, UnauthenticatedPerAddress: config.UnauthenticatedPerAddress, UnauthenticatedTotal: config.UnauthenticatedTotal,
	}
	if config.Dev {
		settings.AllowOrigin = transport.LoopbackOrigin
	}
	s.transport = transport.New(settings)
	s.handler, s.operators = s.route()
	if err := s.load(context.Background()); err != nil {
		return nil, errors.Join(err, s.Shutdown(context.Background()))
	}
	return s, nil
}

// allowOrigin asks the tenant. Where there is none, every page may learn that.
func allowOrigin(origin string, t *tenant.Tenant) bool {
	return t == nil || t.Auth().AllowOrigin(origin)
}

// compilations is how many modules are compiled at the same time: they leave at
// least half of the processors to runs.
func compilations() int { return max(1, goruntime.GOMAXPROCS(0)/2) }

// CreateTenant adds a tenant. limits is a JSON object of the limits that differ
// from the defaults, or nil.
func (s *Server) CreateTenant(ctx context.Context, id string, limits []byte) error {
	settings := tenant.DefaultSettings()
	if limits != nil {
		var err error
		if settings.Limits, err = settings.Limits.Merge(limits); err != nil {
			return fmt.Errorf("create tenant %s: %w", id, err)
		}
	}
	_, err := s.tenants.Create(ctx, id, settings)
	return err
}

// Push uploads a module and activates it. A module that is refused gives an
// error that says what is wrong with it; the active version stays.
func (s *Server) Push(ctx context.Context, tenantID, name string, module []byte) error {
	t, err := s.tenants.Find(tenantID)
	if err != nil {
		return fmt.Errorf("push module %s: %w", name, err)
	}
	if _, _, err := s.registry.Upload(ctx, t, name, module, true); err != nil {
		return fmt.Errorf("push module %s: %w", name, err)
	}
	return nil
}

// Publish accepts events of one tenant, all or none, and returns the position
// behind them. It takes over their payloads. An error that wraps a
// *tenant.RateError or event.ErrFull says that too many of the tenant's events wait.
func (s *Server) Publish(ctx context.Context, tenantID string, events ...event.Event) (cursor string, err error) {
	t, err := s.tenants.Find(tenantID)
	if err != nil {
		return "", fmt.Errorf("publish: %w", err)
	}
	limit := t.Limits().EventBytes
	for i, e := range events {
		if err := event.Check(e.Channel, e.ID, e.Payload); err != nil {
			return "", fmt.Errorf("publish: event %d: %w", i, err)
		}
		if int64(len(e.Payload)) > limit {
			return "", fmt.Errorf("publish: event %d: a payload of %d bytes, the limit eventBytes is %d", i, len(e.Payload), limit)
		}
	}
	return s.accept(ctx, t, events)
}

// publisher hands on events that the admin API has checked, and those of guests,
// which the sandbox has.
type publisher struct{ server *Server }

func (p publisher) Publish(ctx context.Context, t *tenant.Tenant, events []event.Event) (string, error) {
	return p.server.accept(ctx, t, events)
}

// Run brings events from the bus to the subscriptions, what the store has and other nodes
// change in it to this one, and what tenants have used to the store, until ctx ends or the server is shut down. It returns nil then,
// or what the bus or the store failed with. It is called once, before Shutdown.
func (s *Server) Run(ctx context.Context) error {
	s.running.Add(1)
	defer s.running.Done()
	s.began.Store(true)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stopped, cancel)()
	followed := make(chan error, 1)
	go func() {
		defer cancel()
		followed <- s.follow(ctx)
	}()
	var counting sync.WaitGroup
	counting.Go(func() { s.ledger.Run(ctx) })
	err := s.bus.Tail(ctx, sink{s, ctx})
	if err != nil {
		err = fmt.Errorf("tail the bus: %w", err)
	}
	cancel()
	counting.Wait()
	return errors.Join(err, <-followed)
}

// Drain sends all subscribers away, in a random order and evenly over
// Config.DrainTime: it closes sockets with 1001 and ends event streams, each behind
// what waits for it. Until its turn a connection is served as before, as long as Run
// is running; new ones are answered 503 with Retry-After. Drain returns when all
// have ended. Where ctx ends first, what is left is cut and ctx's error returned.
// The http.Server should be open meanwhile, or who comes back gets no answer.
func (s *Server) Drain(ctx context.Context) error {
	begin, live := time.Now(), s.transport.Stats()
	most := "no limit"
	if deadline, ok := ctx.Deadline(); ok {
		most = time.Until(deadline).Round(time.Millisecond).String()
	}
	s.config.Logger.Info("sending subscribers away", "sockets", live.WebSockets, "streams", live.Streams, "most", most)
	err := s.transport.Shutdown(ctx)
	took := time.Since(begin).Round(time.Millisecond)
	if err != nil {
		s.config.Logger.Warn("the last subscribers were cut off", "took", took, "error", err)
		return err
	}
	s.config.Logger.Info("all subscribers have left", "took", took)
	return nil
}

// Draining tells whether Drain or Shutdown has begun: new subscribers should be
// sent to another server.
func (s *Server) Draining() bool { return s.transport.Draining() }

// Shutdown drains the server unless Drain did, stops the runs under way, ends Run and frees
// what the server holds. Where ctx ends first, its error is returned and
// what is still in use stays. The http.Server should be shut down between Drain and
// Shutdown, once its base context has ended, so that no request keeps it waiting.
func (s *Server) Shutdown(ctx context.Context) error {
	err := s.transport.Shutdown(ctx)
	s.stop()
	s.broker.Close()
	s.logs.Close()
	s.verifier.Close()
	if e := wait(ctx, s.running.Wait); e != nil {
		return errors.Join(err, fmt.Errorf("wait for events under way: %w", e))
	}
	if e := s.ledger.Write(ctx); e != nil {
		err = errors.Join(err, fmt.Errorf("write usage to the store: %w", e))
	}
	err = errors.Join(err, s.forgetReplaced())
	for _, t := range s.tenants.List() {
		err = errors.Join(err, s.forget(t))
	}
	if e := wait(ctx, s.pools.open.Wait); e != nil {
		return errors.Join(err, fmt.Errorf("wait for runs under way: %w", e))
	}
	return errors.Join(err, s.engine.Close(ctx))
}

// wait calls f, which returns when something has ended, and returns early with
// the context's error.
func wait(ctx context.Context, f func()) error {
	ended := make(chan struct{})
	go func() {
		f()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Authenticate implements transport.Authenticator. In dev mode subscribers are
// believed, and told what they mistyped; otherwise they show a token that their
// tenant can verify.
func (s *Server) Authenticate(ctx context.Context, t *tenant.Tenant, c transport.Credentials) (tenant.Identity, error) {
	if !s.config.Dev {
		id, err := s.verifier.Verify(ctx, t, c.Authorization)
		switch {
		case err == nil:
			return id, nil
		case errors.Is(err, token.ErrUnavailable), ctx.Err() != nil:
			return tenant.Identity{}, errors.Join(err, transport.ErrUnavailable)
		}
		return tenant.Identity{}, errors.Join(err, transport.ErrRefused)
	}
	if strings.TrimSpace(string(c.Details)) == "" {
		return tenant.Identity{}, nil
	}
	id, err := tenant.ParseIdentity(c.Details)
	if err != nil {
		return tenant.Identity{}, &transport.CredentialsError{Message: err.Error()}
	}
	return id, nil
}

// executor gives the transport the broker's operations as its own interfaces.
type executor struct{ server *Server }

func (e executor) Open(ctx context.Context, t *tenant.Tenant, id tenant.Identity, r graph.Request) (transport.Operation, graph.Errors) {
	// A tenant that was deleted is the broker's to refuse.
	if err := e.server.registry.Load(ctx, t); err != nil && !errors.Is(err, tenant.ErrUnknown) {
		return nil, graph.Errors{{Message: "the tenant cannot be served at the moment; try again later", Code: abi.CodeInternal}}
	}
	o, failed := e.server.broker.Open(ctx, t, id, r)
	if failed != nil {
		return nil, failed
	}
	return operation{o, e.server.stopped}, nil
}

func (e executor) Refused(t *tenant.Tenant, code abi.Code) { e.server.broker.Refused(t, code) }

type operation struct {
	*broker.Operation
	stopped context.Context // ends with the server's Shutdown
}

// Execute implements transport.Operation: a run ends with the server, too.
func (o operation) Execute(ctx context.Context) []byte {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(o.stopped, cancel)()
	return o.Operation.Execute(ctx)
}

func (o operation) Subscribe(sink transport.Sink, resume transport.Resume) (transport.Subscription, graph.Errors) {
	s, failed := o.Operation.Subscribe(sink, broker.Resume(resume))
	if failed != nil {
		return nil, failed
	}
	return s, nil
}
