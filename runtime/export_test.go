package runtime

import (
	"context"

	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Serve gives a request to a handler of the server's.
var Serve = serve

// Broker is the server's.
func Broker(s *Server) *broker.Broker { return s.broker }

// Follow brings what the store has to a server whose bus another tails.
func Follow(ctx context.Context, s *Server) error { return s.follow(ctx) }

// Tenant finds one of the server's.
func Tenant(s *Server, id string) (*tenant.Tenant, error) { return s.tenants.Find(id) }
