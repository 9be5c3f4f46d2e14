package admin

import (
	"net/http"
	"time"

	"github.com/runnel-dev/runnel/runtime/tenant"
)

// SetTimes replaces the times that bodies may take.
func SetTimes(h http.Handler, body, rest time.Duration) {
	own := h.(*handler)
	own.bodyTime, own.restTime = body, rest
}

// SetBodies replaces how many bytes of bodies may be in memory.
func SetBodies(h http.Handler, inAll, ofTenant, least int64) {
	b := &h.(*handler).bodies
	b.inAll, b.ofTenant, b.least = inAll, ofTenant, least
}

// Bodies is how many bytes are counted, and of how many tenants.
func Bodies(h http.Handler) (bytes int64, tenants int) {
	b := &h.(*handler).bodies
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all, len(b.tenants)
}

// Refusals are what the audit log has of late of what keys are not for.
type Refusals = refusals

// Note tells whether a refusal is to be recorded.
func (s *refusals) Note(tenant, what string, now time.Time) bool { return s.note(tenant, what, now) }

// RouteInfo is what tests know of a route.
type RouteInfo struct {
	Method, Path, Summary string
	Scopes                []tenant.Scope
	Query                 []ParameterInfo
	Bodies, Answers       []BodyInfo
	Refuses               []int
}

// ParameterInfo is a parameter of the query.
type ParameterInfo struct{ Name, Kind, Summary string }

// BodyInfo is the body of a request or an answer.
type BodyInfo struct {
	Status  int
	Media   string
	Example any
}

// Routes returns the table of routes.
func Routes() []RouteInfo {
	var all []RouteInfo
	for _, r := range routes {
		info := RouteInfo{Method: r.method, Path: r.path, Summary: r.summary, Scopes: r.scopes, Refuses: r.refuses}
		for _, p := range r.query {
			info.Query = append(info.Query, ParameterInfo{p.name, p.kind, p.summary})
		}
		for _, b := range r.bodies {
			info.Bodies = append(info.Bodies, BodyInfo{b.status, b.media, b.example})
		}
		for _, b := range r.answers {
			info.Answers = append(info.Answers, BodyInfo{b.status, b.media, b.example})
		}
		all = append(all, info)
	}
	return all
}

// CloudEventID is the id that a CloudEvent gets.
func CloudEventID(source, id string) string { return cloudEventID(source, id) }
