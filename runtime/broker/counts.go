package broker

import (
	"sync/atomic"

	"github.com/runnel-dev/runnel/abi"
)

// Ending is why the broker has ended a subscription. Whoever closed one knows why.
type Ending uint8

// The endings.
const (
	EndResolver      Ending = iota // its resolver's verdict was complete
	EndSchema                      // it is not valid under a new version
	EndPermission                  // a new version asks for a permission that its subscriber lacks
	EndQueryLimit                  // it is over a limit under a new version
	EndOperator                    // somebody ended it over /v1
	EndTenantDeleted               // the tenant was
	endings
)

var endingNames = [endings]string{"resolver_complete", "schema", "permission", "query_limit", "operator", "tenant_deleted"}

// String returns the ending's name in metrics.
func (e Ending) String() string { return endingNames[e] }

// endingOf is the ending of a subscription that a new version refuses.
func endingOf(code abi.Code) Ending {
	switch code {
	case abi.CodeForbidden:
		return EndPermission
	case abi.CodeLimitExceeded:
		return EndQueryLimit
	}
	return EndSchema
}

// Counts are what a Broker has done for all tenants so far.
type Counts struct {
	Operations  uint64 // that were asked for, those refused among them
	Validations uint64 // of operation texts that no equal one was known of, at activations too

	Endings     map[Ending]uint64 // subscriptions that it has ended, all endings
	Quarantined uint64            // events that were not run for a subscription, once for each
	Superseded  uint64            // responses that were taken and then not sent, since a newer one of their key came
	// Events that were not brought to all whom they reach, once for each field: since the
	// server or the tenant ended, and for a bug.
	Interrupted, Broken uint64
}

// counters is safe for concurrent use.
type counters struct {
	operations, validations                      atomic.Uint64
	ended                                        [endings]atomic.Uint64
	quarantined, superseded, interrupted, broken atomic.Uint64
}

// Counts returns a snapshot.
func (b *Broker) Counts() Counts {
	n := &b.counters
	c := Counts{
		Operations: n.operations.Load(), Validations: n.validations.Load(), Endings: make(map[Ending]uint64, endings),
		Quarantined: n.quarantined.Load(), Superseded: n.superseded.Load(), Interrupted: n.interrupted.Load(), Broken: n.broken.Load(),
	}
	for e := range endings {
		c.Endings[e] = n.ended[e].Load()
	}
	return c
}
