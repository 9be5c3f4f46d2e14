// Package admin serves /v1: tenants and their limits, modules and their
// versions, the composed schema, and events from publishers. Every error is a
// problem+json body that says what is wrong and where.
package admin

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/runtime/event"
	"github.com/runnel-dev/runnel/runtime/problem"
	"github.com/runnel-dev/runnel/runtime/registry"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/telemetry"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Publisher accepts the events of a tenant, all or none, and returns the
// position behind the last. The events have passed event.Check; the publisher
// owns them and their payloads from then on. The payloads of one call may share
// one array.
type Publisher interface {
	Publish(ctx context.Context, t *tenant.Tenant, events []event.Event) (cursor string, err error)
}

// Config is what the handler works with. All but BeforeDelete, OnDelete, Token and Logger are
// required.
type Config struct {
	// Store keeps the audit log.
	Store     store.Store
	Tenants   *tenant.Directory
	Registry  *registry.Registry
	Publisher Publisher
	Logs      *telemetry.Logs
	// Subscriptions and Quarantine are those of this node, which Node names; Usage
	// is that of all.
	Subscriptions Subscriptions
	Quarantine    Quarantine
	Usage         Usage
	Node          string
	// BeforeDelete is called before a tenant is deleted, while its id is still its own; where it
	// fails, the tenant stays. It may be nil.
	BeforeDelete func(ctx context.Context, t *tenant.Tenant) error
	// OnDelete ends what serves a tenant, which was taken out of Tenants before.
	// May be nil.
	OnDelete func(t *tenant.Tenant) error
	// Token is asked for as a bearer token. An empty one matches nothing.
	Token string
	// Dev asks for no token. Who sets it must keep other machines and the pages of
	// other origins away from the handler.
	Dev bool
	// Logger receives the failures that are not the caller's. Nil discards.
	Logger *slog.Logger
	// OnAnswer is told of every request when it has been answered. May be nil.
	OnAnswer func(ctx context.Context, a Answer)
}

// handler serves all routes. It is immutable, but for backup, refusals and bodies.
type handler struct {
	config Config
	token  secret
	backup sync.Mutex // held while one is sent

	refusals refusals
	bodies   bodies

	bodyTime, restTime time.Duration
}

// New returns the handler of /v1. It is safe for concurrent use.
func New(config Config) http.Handler {
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	return &handler{config: config, token: newSecret(config.Token), bodies: newBodies(), bodyTime: bodyTime, restTime: restTime}
}

// ServeHTTP implements http.Handler.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began, recorded, a := time.Now(), &statusWriter{ResponseWriter: w, status: http.StatusOK}, Answer{Method: methodOf(r)}
	timeBody(recorded, r, h.bodyTime)
	err := h.serve(recorded, r, &a)
	brokeOff := errors.Is(err, errBrokeOff)
	if err != nil && !brokeOff {
		timeBody(recorded, r, h.restTime)
		p := h.describe(r, err)
		a.Code = p.Code
		if p.Status == http.StatusUnauthorized {
			recorded.Header().Set("WWW-Authenticate", challenge)
		}
		problem.Write(recorded, p)
	}
	if h.config.OnAnswer != nil {
		a.Status, a.Duration = recorded.status, time.Since(began)
		h.config.OnAnswer(r.Context(), a)
	}
	if brokeOff {
		panic(http.ErrAbortHandler) // the way to have net/http close the connection
	}
}

// errBrokeOff is of an answer that had begun when it failed: the client must not
// take it for whole.
var errBrokeOff = errors.New("the answer broke off")

// serve answers the request, or returns why not. Who may not ask learns nothing
// of what is there: the token comes first.
func (h *handler) serve(w *statusWriter, r *http.Request, a *Answer) error {
	found, call, allowed := match(r)
	var t *tenant.Tenant
	var absent error // why there is no tenant
	if found != nil {
		t, absent = h.config.Tenants.Find(call.params["tenant"])
	}
	actor, err := h.authorize(r, found, t, absent)
	a.of(found, t, actor)
	if err != nil {
		if actor != "" {
			call.tenant, call.actor = t, actor
			h.auditRefusal(call)
		}
		return err
	}
	if found == nil {
		return missing(w, allowed)
	}
	if err := checkQuery(r, found.query); err != nil {
		return err
	}
	if err := checkEncoding(r.Header); err != nil {
		return err
	}
	_, named := call.params["tenant"]
	switch {
	case named && errors.Is(absent, tenant.ErrUnread):
		return absent
	case named && t == nil:
		return noTenant()
	}
	call.tenant, call.actor = t, actor
	defer h.bodies.count(w, call)()
	end := h.whileAllowed(call)
	defer end()
	if !call.audited() {
		return found.serve(h, w, call)
	}
	noted := false
	note := func(status int) {
		h.audit(call, found.auditLog(t), status)
		noted = true
	}
	if found.path != backupRoute { // which is sent while the store is read
		w.before = note // who has the answer finds the entry, whatever becomes of the server then
	}
	err = found.serve(h, w, call)
	w.before = nil
	if noted {
		return err
	}
	status := w.status
	if err != nil && !errors.Is(err, errBrokeOff) {
		p := h.describe(r, err)
		err, status = p, p.Status
	}
	note(status)
	return err
}

func noTenant() error {
	return notFound("there is no such tenant; GET /v1/tenants lists all")
}
