package broker

import (
	"fmt"
	"sync"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Sink receives what a subscription has to say. Its methods are called one at a
// time and must not block; nothing follows Error or Complete.
type Sink interface {
	// Next delivers one response. The bytes are shared: the sink copies what it
	// keeps and changes nothing.
	Next(response []byte)
	// Error ends the subscription.
	Error(errs graph.Errors)
	// Complete ends the subscription.
	Complete()
}

// Subscription is one live operation. It is safe for concurrent use.
type Subscription struct {
	state    *state
	request  graph.Request
	identity tenant.Identity

	// Guarded by state.mu.
	operation *graph.Operation
	entries   []entry

	mu struct {
		sync.Mutex
		sink Sink // nil once the subscription has ended
	}
}

// Close ends the subscription. No call into the sink is under way or follows
// when it returns, so it must not be called from within one. Calling it again
// does nothing.
func (s *Subscription) Close() {
	s.end(nil)
	s.leave()
}

// leave takes the subscription out of the tenant's index.
func (s *Subscription) leave() {
	st := s.state
	st.mu.Lock()
	defer st.mu.Unlock()
	if _, ok := st.mu.live[s]; ok {
		delete(st.mu.live, s)
		st.mu.index.remove(s, s.operation.Roots()[0].Field.Resolver)
	}
}

// end says a last word, unless the subscription has ended before.
func (s *Subscription) end(last func(Sink)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.sink != nil && last != nil {
		last(s.mu.sink)
	}
	s.mu.sink = nil
}

// deliver hands an outcome to the sink.
func (s *Subscription) deliver(o *outcome, operation *graph.Operation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.sink == nil || o.verdict == abi.Skip {
		return
	}
	if o.verdict != abi.Complete || o.hasOutput {
		s.mu.sink.Next(o.response(operation))
	}
	if o.verdict == abi.Complete {
		s.mu.sink.Complete()
		s.mu.sink = nil
	}
}

// ended reports whether nothing more will be delivered.
func (s *Subscription) ended() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.sink == nil
}

// subscribe makes a subscription live under the tenant's active version, which
// may be a newer one than the operation was opened under.
func (st *state) subscribe(request graph.Request, id tenant.Identity, v *Version, o *graph.Operation, sink Sink) (*Subscription, graph.Errors) {
	s := &Subscription{state: st, request: request, identity: id}
	s.mu.sink = sink
	st.mu.Lock()
	defer st.mu.Unlock()
	if limit := st.tenant.Limits().Subscriptions; int64(len(st.mu.live)) >= limit {
		return nil, limitErrors("subscriptions", fmt.Sprintf("the tenant has %d live subscriptions, which is its limit", limit))
	}
	if active := st.mu.version; active != v {
		if active == nil {
			return nil, noSchema()
		}
		var errs graph.Errors
		if o, s.request.Query, errs = active.plan(st.tenant, id, request); errs != nil {
			return nil, errs
		}
	}
	if errs := st.enterLocked(s, o); errs != nil {
		return nil, errs
	}
	return s, nil
}

// enterLocked puts a subscription into the index with an operation.
func (st *state) enterLocked(s *Subscription, o *graph.Operation) graph.Errors {
	root := o.Roots()[0]
	k, err := subscriberKeys(root.Field, root.Arguments, s.identity.Claim)
	if err != nil {
		return graph.Errors{{Message: err.Error(), Code: abi.CodeLimitExceeded}}
	}
	s.operation = o
	st.mu.index.add(s, root.Field, k)
	st.mu.live[s] = struct{}{}
	return nil
}

func limitErrors(limit, message string) graph.Errors {
	return graph.Errors{{Message: message, Code: abi.CodeLimitExceeded, Extensions: []byte(`{"limit":"` + limit + `"}`)}}
}

func noSchema() graph.Errors {
	return graph.Errors{{Message: "the tenant has no active module yet, so there is no schema", Code: abi.CodeValidationFailed}}
}
