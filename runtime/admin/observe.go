package admin

import (
	"net/http"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// EventsRoute is the path of the route that publishes events.
const EventsRoute = "/v1/tenants/{tenant}/events"

// Answer says how a request was answered. Nothing in it was chosen by who sent
// the request, but for the id of a tenant that there is.
type Answer struct {
	Method   string        // of the route; OTHER where there is none and the request's is unheard of
	Route    string        // such as "/v1/tenants/{tenant}"; empty where none was found
	Tenant   string        // empty where the route names none, or one that is unknown
	Actor    string        // "admin", "key:<id>", or "dev"; empty where it is not known who asked
	Status   int           // of HTTP
	Code     abi.Code      // of a problem; empty where there was none
	Duration time.Duration // until the answer was written
}

// of notes what is known of a request before it is served.
func (a *Answer) of(found *route, t *tenant.Tenant, actor string) {
	a.Actor = actor
	if found != nil {
		a.Method, a.Route = found.method, found.path
	}
	if t != nil {
		a.Tenant = t.ID()
	}
}

var methods = []string{
	http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
}

func methodOf(r *http.Request) string {
	if slices.Contains(methods, r.Method) {
		return r.Method
	}
	return "OTHER"
}
