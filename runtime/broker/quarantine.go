package broker

import "time"

// A resolver that fails for everybody is not run for every event: after so many
// events in a row it is in quarantine. Then one event is tried after each pause,
// and the pauses grow.
const (
	quarantineAfter = 20 // events
	firstPause      = 5 * time.Second
	longestPause    = 5 * time.Minute
)

// quarantine is a circuit breaker for the resolver of one Subscription field. It
// knows no clock and no lock. The zero value has seen nothing fail.
type quarantine struct {
	failures int           // events in a row that failed, probes with them
	skipped  uint64        // events that were not run since it began
	pause    time.Duration // 0 while the resolver is not in quarantine
	until    time.Time     // the next event after it is tried
	probing  bool          // an event is being tried
}

// admission is what becomes of an event.
type admission uint8

const (
	admitted admission = iota
	probe              // admitted, to try whether the resolver works again
	skipped
)

// ending is what came of an event that was admitted.
type ending uint8

const (
	inconclusive ending = iota // nobody was left to run it for, or the host failed
	failed                     // each of its runs did, by the guest's fault
	succeeded                  // some run did not
)

// holds tells whether the resolver is in quarantine.
func (q *quarantine) holds() bool { return q.pause > 0 }

// admit decides about one event. Whoever is told to probe calls conclude with
// that in the end: until then no other event is admitted.
func (q *quarantine) admit(now time.Time) admission {
	switch {
	case !q.holds():
		return admitted
	case q.probing || now.Before(q.until):
		q.skipped++
		return skipped
	}
	q.probing = true
	return probe
}

// conclude tells how an admitted event ended. It reports whether quarantine
// begins, goes on for a longer pause, or ends with that.
func (q *quarantine) conclude(a admission, e ending, now time.Time) (changed bool) {
	held := q.holds()
	if a == probe {
		q.probing = false
	}
	switch {
	case e == inconclusive:
		return false
	case e == succeeded:
		*q = quarantine{}
		return held
	}
	q.failures++
	switch {
	case !held && q.failures >= quarantineAfter:
		q.pause = firstPause
	case held && a == probe:
		q.pause = min(2*q.pause, longestPause)
	default:
		return false
	}
	q.until = now.Add(q.pause)
	return true
}

// retryAfter is about how long no event is run from now on, a millisecond or more.
func (q *quarantine) retryAfter(now time.Time) time.Duration {
	left := q.until.Sub(now)
	if q.probing {
		left = q.pause // until then it is known how the probe ended
	}
	return max(left, time.Millisecond)
}
