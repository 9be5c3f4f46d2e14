// Package transport speaks GraphQL with subscribers: graphql-transport-ws over
// a WebSocket, GraphQL over HTTP, and GraphQL over server-sent events, all at
// /t/{tenant}/graphql.
//
// The WebSocket protocol is a state machine without input or output
// (machine.go): messages, timers and the executor's answers go in, frames to
// send and operations to start and stop come out. The sockets are beside it:
// one goroutine reads a connection, and one writes it while there is something
// to write. What a connection started has ended when the connection has.
package transport

import (
	"context"
	"errors"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Executor opens operations, and counts those that it never sees. It is safe for concurrent use.
type Executor interface {
	// Open parses and validates an operation. The request belongs to the executor
	// from then on. Errors mean that nothing was opened. It may wait for others to be
	// validated, until ctx ends.
	Open(ctx context.Context, t *tenant.Tenant, id tenant.Identity, r graph.Request) (Operation, graph.Errors)
	// Refused counts an operation that was refused before it would have been opened.
	Refused(t *tenant.Tenant, code abi.Code)
}

// Operation is an operation that was opened. Exactly one of Execute, Subscribe
// and Close is called, once.
type Operation interface {
	Kind() graph.OperationKind
	// Execute runs a query or a mutation and gives the whole response. It returns
	// soon after ctx is cancelled, and its result is not used then.
	Execute(ctx context.Context) []byte
	// Subscribe makes a subscription live, or has it replay what it missed until it
	// is. The sink may be called before it returns. Errors mean that the sink was not
	// and will not be called.
	Subscribe(s Sink, resume Resume) (Subscription, graph.Errors)
	// Close gives the operation up.
	Close()
}

// Sink takes what a subscription delivers. Its calls never block. They are made
// one at a time for each subscription, and none after Error or Complete.
type Sink interface {
	// Next delivers one response. It reports whether the response was taken to be sent:
	// what comes when the client does not want it any more, or after the end of its
	// connection, is dropped. skipped tells that one of the same key, which was taken
	// before, will not be sent.
	Next(d graph.Delivery) (taken, skipped bool)
	// Position tells where the subscription goes on, behind events of which there was
	// nothing to deliver.
	Position(cursor string)
	// Ready tells whether there is room for responses that can also come later.
	Ready() bool
	// Error ends the subscription.
	Error(errs graph.Errors)
	// Complete ends the subscription.
	Complete()
}

// Subscription is a live subscription.
type Subscription interface {
	// Close ends it, and reports whether it did: no call of the sink starts after Close
	// returned. It may be called again, and after the subscription ended. It is never
	// called from within a call of the sink, nor under a lock that the sink takes.
	Close() (ended bool)
	// Tell has the sink told of the subscription's position, where cursors were asked
	// for and the sink does not know it. It is called as Close is.
	Tell()
}

// Authenticator decides who may connect. It is safe for concurrent use.
type Authenticator interface {
	// Authenticate returns who the subscriber is. An error that wraps ErrRefused
	// refuses the credentials, one that wraps ErrUnavailable asks to try again later,
	// and a *CredentialsError says what is malformed in them; any other is a failure
	// of the server's own.
	Authenticate(ctx context.Context, t *tenant.Tenant, c Credentials) (tenant.Identity, error)
}

// ErrRefused is what an Authenticator's error wraps where the credentials are
// at fault.
var ErrRefused = errors.New("credentials refused")

// ErrUnavailable is what an Authenticator's error wraps where nobody can tell for
// now whether the credentials are good.
var ErrUnavailable = errors.New("credentials cannot be checked")

// CredentialsError is an Authenticator's error for credentials that cannot even
// be read, so that showing them again is of no use. Its message is for the
// subscriber: it says nothing that an unknown peer must not know.
type CredentialsError struct {
	Message string
}

// Error returns the message.
func (e *CredentialsError) Error() string { return e.Message }

// Credentials is what a subscriber showed. Nothing in it was checked. It comes
// from headers and from the payload of connection_init, never from a URL or a
// cookie.
type Credentials struct {
	// Authorization is such as "Bearer …": the payload's member of that name in
	// any case, or else the HTTP header. Empty where there is neither.
	Authorization string
	// Details is the whole payload of connection_init, or the header
	// X-Runnel-Identity of an HTTP request; nil where there is none. The payload is
	// a JSON object; the header may be anything.
	Details []byte
	// Origin is the header of that name; empty outside browsers.
	Origin string
	// RemoteAddr is the peer of the TCP connection.
	RemoteAddr string
}

// Tenants finds tenants. *tenant.Directory does.
type Tenants interface {
	// Find gives tenant.ErrUnread where there may well be a tenant of that id that
	// cannot be served at the moment.
	Find(id string) (*tenant.Tenant, error)
}
