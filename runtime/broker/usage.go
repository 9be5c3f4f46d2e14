package broker

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Usage is what a tenant has used since a moment, and what it uses now. All
// counts are of this node.
type Usage struct {
	Since time.Time

	Fuel           uint64 // units, of runs that ended
	Runs           uint64 // calls of a resolver that ended, however they did
	SharedRuns     uint64 // results that were taken from another's run
	Events         uint64 // received while the tenant had a version, whether or not they matched
	Malformed      uint64 // entries of the bus that are no events
	Gaps           uint64 // that the bus told: parts of the tenant's events that were lost
	SkippedEvents  uint64 // not run since the resolver was in quarantine, once for each of those
	Deliveries     uint64 // responses that connections took for subscriptions, but for those that came in the place of older ones
	DeliveredBytes uint64 // of those responses as JSON, before frames
	// SkippedDeliveries are responses that were taken and then not sent, since a newer
	// one of their key took their place.
	SkippedDeliveries uint64
	// Errors holds, for each code that there can be, runs that failed, operations that were
	// refused, and subscriptions that were told of quarantine. What resolvers report
	// themselves is RESOLVER_ERROR, whatever code they give it.
	Errors map[abi.Code]uint64

	Work   uint64        // units that count for the fair share: fuel, and what else the server did for the tenant
	Waited time.Duration // for turns to work, by all who waited

	Subscriptions int64 // live now
	Instances     int64 // that run now, or wait for a processor
	MemoryBytes   int64 // that those instances may grow to
}

// codes are those of errors that the broker makes, or has from graph and sandbox.
var codes = [...]abi.Code{
	abi.CodeParseFailed, abi.CodeValidationFailed, abi.CodeBadUserInput, abi.CodeForbidden, abi.CodeFuelExhausted, abi.CodeMemoryLimit,
	abi.CodeResolverTrap, abi.CodeResolverError, abi.CodeBadOutput, abi.CodeLimitExceeded, abi.CodeModuleQuarantined, abi.CodeGap, abi.CodeInternal,
}

// usage counts what a tenant uses. Fan-outs count for themselves and add at their
// end; runs add by themselves. It is safe for concurrent use.
type usage struct {
	since                                       time.Time
	fuel, runs, sharedRuns                      atomic.Uint64
	events, skipped, deliveries, deliveredBytes atomic.Uint64
	superseded                                  atomic.Uint64 // deliveries
	malformed, gaps                             atomic.Uint64
	errors                                      [len(codes)]atomic.Uint64
}

// count adds an error of a code.
func (u *usage) count(code abi.Code) {
	if i := slices.Index(codes[:], code); i >= 0 {
		u.errors[i].Add(1)
	}
}

// Refused counts an operation that was refused before Open.
func (b *Broker) Refused(t *tenant.Tenant, code abi.Code) {
	b.counters.operations.Add(1)
	if st := b.state(t, false); st != nil {
		st.usage.count(code)
	}
}

// Usage returns what a tenant has used and uses.
func (b *Broker) Usage(t *tenant.Tenant) Usage {
	usage := Usage{Since: time.Now().UTC(), Errors: make(map[abi.Code]uint64, len(codes))}
	for _, code := range codes {
		usage.Errors[code] = 0
	}
	st := b.state(t, false)
	if st == nil {
		return usage
	}
	u := &st.usage
	usage.Since = u.since
	usage.Fuel, usage.Runs, usage.SharedRuns = u.fuel.Load(), u.runs.Load(), u.sharedRuns.Load()
	usage.Events, usage.SkippedEvents = u.events.Load(), u.skipped.Load()
	usage.Malformed, usage.Gaps = u.malformed.Load(), u.gaps.Load()
	usage.Deliveries, usage.DeliveredBytes, usage.SkippedDeliveries = u.deliveries.Load(), u.deliveredBytes.Load(), u.superseded.Load()
	for i, code := range codes {
		usage.Errors[code] = u.errors[i].Load()
	}
	st.mu.Lock()
	usage.Subscriptions = int64(st.mu.live.taken)
	st.mu.Unlock()
	usage.Instances, usage.MemoryBytes = st.runs.now()
	usage.Work, usage.Waited = st.flow.used()
	return usage
}
