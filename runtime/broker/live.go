package broker

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// SubscriptionID names one live subscription of a tenant on one node, and none of
// another node or process. 0 names none and stands before all others.
type SubscriptionID uint64

// String returns 16 hexadecimal digits, so that texts are in the order of the
// ids.
func (id SubscriptionID) String() string { return fmt.Sprintf("%016x", uint64(id)) }

// ParseSubscriptionID reads what String gives.
func ParseSubscriptionID(text string) (SubscriptionID, bool) {
	n, err := strconv.ParseUint(text, 16, 64)
	id := SubscriptionID(n)
	return id, err == nil && id.String() == text
}

// LiveSubscription describes a subscription as it is at one moment.
type LiveSubscription struct {
	ID            SubscriptionID
	OperationName string    // may be empty
	Field         string    // of the type Subscription
	Subject       string    // the subscriber's, or his claim sub where no token was verified; empty where there is none
	Created       time.Time // in whole seconds, as LastDelivery is
	LastDelivery  time.Time // zero where nothing was delivered yet
	Delivered     uint32    // responses; the count stops at its maximum
	Dropped       uint32    // events that reached it and were not run for quarantine, or whose responses were skipped for newer ones; as Delivered
}

// walkSlots is how many slots a list looks at under one lock, for which the
// tenant's events wait.
const walkSlots = 256

// maxListedBytes ends a page of subscriptions early: operations are named, and
// subjects told, by strangers.
const maxListedBytes = 1 << 20

// Subscriptions lists the live subscriptions of a tenant by id, those after an id
// and at most limit of them; more tells that others may follow the last of
// these. Subscriptions may come and go meanwhile. One that lives as long as it
// takes to list all is listed once.
func (b *Broker) Subscriptions(t *tenant.Tenant, after SubscriptionID, limit int) (list []LiveSubscription, more bool) {
	st := b.state(t, false)
	if st == nil {
		return nil, false
	}
	bytes := 0
	some := make([]walked, 0, walkSlots)
	for slot := after.slot(); ; slot += walkSlots {
		var end bool
		some, end = st.walk(slot, some[:0])
		for i := range some {
			w := &some[i]
			if w.id <= after {
				continue
			}
			if len(list) == limit || bytes > maxListedBytes {
				return list, true
			}
			if one, live := w.describe(); live {
				list = append(list, one)
				bytes += len(one.OperationName) + len(one.Subject)
			}
		}
		if end {
			return list, false
		}
	}
}

// EndSubscription ends a subscription with the error FORBIDDEN; its connection
// stays. It reports false where there is none of that id.
func (b *Broker) EndSubscription(t *tenant.Tenant, id SubscriptionID) bool {
	st := b.state(t, false)
	if st == nil {
		return false
	}
	s := st.find(id)
	if s == nil {
		return false
	}
	over := graph.Errors{{Message: "ended by the operator", Code: abi.CodeForbidden}}
	ended := s.fail(over, EndOperator)
	s.leave()
	return ended
}

// slot is where the subscription was or is found.
func (id SubscriptionID) slot() int { return int(id >> 32) }

func (s *Subscription) id() SubscriptionID {
	return SubscriptionID(s.slot)<<32 | SubscriptionID(s.serial)
}

// find returns a live subscription, or nil.
func (st *state) find(id SubscriptionID) *Subscription {
	st.mu.Lock()
	defer st.mu.Unlock()
	if id.slot() >= len(st.mu.live.all) {
		return nil
	}
	if s := st.mu.live.all[id.slot()]; s != nil && s.id() == id {
		return s
	}
	return nil
}

// walked is a subscription with what only the tenant's lock lets see.
type walked struct {
	*Subscription
	id   SubscriptionID
	name string
	root *graph.RootField
}

// walk appends the subscriptions of the next slots, and tells whether those are
// the last.
func (st *state) walk(slot int, some []walked) (_ []walked, end bool) {
	st.mu.Lock()
	defer st.mu.Unlock()
	all := st.mu.live.all
	for _, s := range all[min(slot, len(all)):min(slot+walkSlots, len(all))] {
		if s != nil {
			o := s.place.shared.operation
			some = append(some, walked{s, s.id(), o.Plan().Name(), o.Roots()[0].Field})
		}
	}
	return some, slot+walkSlots >= len(all)
}

// describe reports false where the subscription has ended meanwhile.
func (w *walked) describe() (d LiveSubscription, live bool) {
	d = LiveSubscription{ID: w.id, OperationName: w.name, Field: w.root.Name, Subject: subject(&w.identity), Created: w.created.time()}
	w.mu.Lock()
	defer w.mu.Unlock()
	d.LastDelivery, d.Delivered = w.mu.last.time(), uint32(w.mu.delivered)
	if w.progress != nil {
		d.Dropped = uint32(w.progress.dropped)
	}
	return d, w.mu.sink != nil
}

// subject is the verified one, or else, as in dev mode, the claim sub; what is no
// string there is given as JSON.
func subject(id *tenant.Identity) (text string) {
	if text = id.Subject(); text != "" {
		return text
	}
	claim, _ := id.Claim("sub")
	if json.Unmarshal(claim, &text) != nil {
		return string(claim)
	}
	return text
}

// seconds is a moment in seconds since 1970, 0 none: a subscription keeps two of
// them.
type seconds uint32

func secondsNow() seconds { return seconds(time.Now().Unix()) }

// secondsOf is of nanoseconds since 1970.
func secondsOf(now int64) seconds { return seconds(now / int64(time.Second)) }

func (s seconds) time() time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(int64(s), 0).UTC()
}

// counter stops at its maximum.
type counter uint32

func (c *counter) add() {
	if *c < math.MaxUint32 {
		*c++
	}
}
