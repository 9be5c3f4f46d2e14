package telemetry

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"time"
)

const (
	// choiceAge is how long a choice of tenants holds.
	choiceAge = time.Minute
	// halfLife is the time after which work counts half.
	halfLife = 5 * time.Minute
)

// busiest are the tenants, by incarnation, that have metrics of their own: those
// that worked most of late. Being chosen changes nothing of what a tenant's
// counters say, so one that leaves and comes back goes on where it was.
type busiest struct {
	most   int
	scores map[string]float64
	chosen map[string]struct{}
	at     time.Time // of the choice
	worn   time.Time // up to here scores have decayed
}

func (b *busiest) has(tenant string) bool {
	_, chosen := b.chosen[tenant]
	return chosen
}

func (b *busiest) worked(tenant string, amount float64) {
	if b.most > 0 && amount > 0 {
		b.scores[tenant] += amount
	}
}

// choose chooses anew where the last choice is old, among the tenants that there
// are.
func (b *busiest) choose(now time.Time, there map[string]struct{}) {
	if b.most <= 0 || b.chosen != nil && now.Sub(b.at) < choiceAge {
		return
	}
	maps.DeleteFunc(b.scores, func(tenant string, score float64) bool {
		_, is := there[tenant]
		return !is || score < 1
	})
	ranked := slices.SortedFunc(maps.Keys(b.scores), func(x, y string) int {
		return cmp.Or(cmp.Compare(b.scores[y], b.scores[x]), cmp.Compare(x, y))
	})
	b.at, b.chosen = now, map[string]struct{}{}
	for _, tenant := range ranked[:min(b.most, len(ranked))] {
		b.chosen[tenant] = struct{}{}
	}
}

// wear lets the work so far count less than what is added from now on.
func (b *busiest) wear(now time.Time) {
	left := math.Exp2(-now.Sub(b.worn).Seconds() / halfLife.Seconds())
	for tenant := range b.scores {
		b.scores[tenant] *= left
	}
	b.worn = now
}
