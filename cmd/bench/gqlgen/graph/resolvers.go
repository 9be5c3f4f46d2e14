// Package graph is what gqlgen generates from schema.graphql, and the resolvers.
package graph

import (
	"context"
	"sync"
)

// waiting is how many orders a subscriber may be behind before it misses some.
const waiting = 64

// Resolvers hold a channel for each subscriber, found by the customer of an order.
type Resolvers struct {
	mu         sync.RWMutex
	everyone   map[chan *Order]struct{}
	byCustomer map[string]map[chan *Order]struct{}
}

// NewResolvers returns resolvers without subscribers.
func NewResolvers() *Resolvers {
	return &Resolvers{everyone: map[chan *Order]struct{}{}, byCustomer: map[string]map[chan *Order]struct{}{}}
}

// Query implements ResolverRoot.
func (r *Resolvers) Query() QueryResolver { return r }

// Subscription implements ResolverRoot.
func (r *Resolvers) Subscription() SubscriptionResolver { return r }

// Open implements QueryResolver: a schema has to have a query.
func (r *Resolvers) Open(context.Context) (bool, error) { return true, nil }

// OrderUpdated implements SubscriptionResolver.
func (r *Resolvers) OrderUpdated(ctx context.Context, customerID *string) (<-chan *Order, error) {
	orders := make(chan *Order, waiting)
	r.mu.Lock()
	defer r.mu.Unlock()
	subscribers := r.everyone
	if customerID != nil {
		if r.byCustomer[*customerID] == nil {
			r.byCustomer[*customerID] = map[chan *Order]struct{}{}
		}
		subscribers = r.byCustomer[*customerID]
	}
	subscribers[orders] = struct{}{}
	context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(subscribers, orders)
		if customerID != nil && len(subscribers) == 0 {
			delete(r.byCustomer, *customerID)
		}
		close(orders)
	})
	return orders, nil
}

// Publish hands an order to its subscribers. It waits for none of them.
func (r *Resolvers) Publish(o *Order) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, subscribers := range []map[chan *Order]struct{}{r.everyone, r.byCustomer[o.CustomerID]} {
		for orders := range subscribers {
			select {
			case orders <- o:
			default: // it is too far behind
			}
		}
	}
}
