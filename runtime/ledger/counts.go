package ledger

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/store"
)

// counts only grow.
type counts struct {
	numbers
	// Errors has those codes alone of which there were some.
	Errors map[abi.Code]uint64 `json:"errors,omitempty"`
}

type numbers struct {
	Fuel           uint64 `json:"fuel"`
	Runs           uint64 `json:"runs"`
	SharedRuns     uint64 `json:"sharedRuns"`
	Events         uint64 `json:"events"`
	SkippedEvents  uint64 `json:"skippedEvents"`
	Deliveries     uint64 `json:"deliveries"`
	DeliveredBytes uint64 `json:"deliveredBytes"`

	SkippedDeliveries uint64 `json:"skippedDeliveries"`
}

// countsOf takes the counts out of a node's usage.
func countsOf(u *broker.Usage) counts {
	c := counts{numbers: numbers{u.Fuel, u.Runs, u.SharedRuns, u.Events, u.SkippedEvents, u.Deliveries, u.DeliveredBytes, u.SkippedDeliveries}}
	return c.combined(counts{Errors: u.Errors}, plus)
}

// put writes the counts into a usage, which has all codes.
func (c counts) put(u *broker.Usage) {
	u.Fuel, u.Runs, u.SharedRuns, u.Events, u.SkippedEvents = c.Fuel, c.Runs, c.SharedRuns, c.Events, c.SkippedEvents
	u.Deliveries, u.DeliveredBytes, u.SkippedDeliveries = c.Deliveries, c.DeliveredBytes, c.SkippedDeliveries
	for code := range u.Errors {
		u.Errors[code] = 0
	}
	maps.Copy(u.Errors, c.Errors)
}

func plus(a, b uint64) uint64  { return a + b }
func minus(a, b uint64) uint64 { return a - b }

// combined applies f to each number of c and other.
func (c counts) combined(other counts, f func(a, b uint64) uint64) counts {
	sum := counts{numbers: numbers{
		f(c.Fuel, other.Fuel), f(c.Runs, other.Runs), f(c.SharedRuns, other.SharedRuns), f(c.Events, other.Events),
		f(c.SkippedEvents, other.SkippedEvents), f(c.Deliveries, other.Deliveries), f(c.DeliveredBytes, other.DeliveredBytes),
		f(c.SkippedDeliveries, other.SkippedDeliveries),
	}}
	for _, codes := range []map[abi.Code]uint64{c.Errors, other.Errors} {
		for code := range codes {
			if n := f(c.Errors[code], other.Errors[code]); n > 0 {
				if sum.Errors == nil {
					sum.Errors = map[abi.Code]uint64{}
				}
				sum.Errors[code] = n
			}
		}
	}
	return sum
}

func (c counts) equal(other counts) bool {
	return c.numbers == other.numbers && maps.Equal(c.Errors, other.Errors)
}

// row is a record of the store: what one process has counted of a tenant, or those
// that have ended.
type row struct {
	Node    string    `json:"node,omitempty"` // empty for those that have ended
	Since   time.Time `json:"since"`
	Written time.Time `json:"written"` // by the clock of its node
	counts
}

// total is the id of the row of processes that have ended. Those of others are
// longer.
const total = "total"

// page is how many rows are read at a time.
const page = 100

// rows reads all rows of a tenant, by their ids.
func rows(tx store.Tx, tenant string) (map[string]row, error) {
	all := map[string]row{}
	for after, more := "", true; more; {
		records, err := tx.Scan(store.Usage, tenant, after, page)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			var one row
			if err := json.Unmarshal(r.Value, &one); err != nil {
				return nil, fmt.Errorf("usage of tenant %s, record %s: %w", tenant, r.ID, err)
			}
			all[r.ID] = one
			after = r.ID
		}
		more = len(records) == page
	}
	return all, nil
}

// put writes a row.
func (r row) put(tx store.Tx, tenant, id string) error {
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	return tx.Put(store.Usage, tenant, id, value)
}

// add adds what another row has counted.
func (r *row) add(other row) {
	r.counts = r.combined(other.counts, plus)
	if r.Since.IsZero() || other.Since.Before(r.Since) {
		r.Since = other.Since
	}
}
