package broker

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/graph"
	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Quarantined describes a resolver in quarantine.
type Quarantined struct {
	Module   string
	Resolver string
	Digest   string        // of the module's active version
	Failures int           // events in a row that failed
	Skipped  uint64        // events that were not run
	Until    time.Time     // when an event is tried next
	Pause    time.Duration // before that
}

// quarantines hold what is known of the failures of one tenant's resolvers of
// Subscription fields, those of its active version alone. What has not failed
// last takes no room. It is safe for concurrent use.
type quarantines struct {
	mu      sync.Mutex
	runners map[string]Runner     // of the active version, by module
	known   map[string]*suspected // by resolver
	begun   uint32                // quarantines so far
}

// suspected is a resolver that failed last, guarded by quarantines.mu.
type suspected struct {
	quarantine
	field  *graph.ResolvedField
	runner Runner
	serial uint32 // of the quarantine among the tenant's, while one holds
}

// pass is what was decided about one event of one field.
type pass struct {
	admission admission
	serial    uint32 // of the quarantine that holds
}

// admit decides about an event of a field.
func (q *quarantines) admit(f *graph.ResolvedField, runner Runner) (p pass) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.known[f.Resolver]
	if s == nil || s.runner != runner || !s.holds() {
		return p
	}
	return pass{s.admit(time.Now()), s.serial}
}

// error is what a subscription is told, once, of a quarantine.
func (q *quarantines) error(f *graph.ResolvedField) *graph.Error {
	e := &graph.Error{Message: "the resolver is in quarantine: its last events have all failed, and further ones are not run", Code: abi.CodeModuleQuarantined}
	q.mu.Lock()
	defer q.mu.Unlock()
	wait := time.Millisecond // where the quarantine has just ended
	if s := q.known[f.Resolver]; s != nil {
		wait = s.retryAfter(time.Now())
	}
	e.Extensions = append(strconv.AppendInt([]byte(`{"retryAfterMs":`), wait.Milliseconds(), 10), '}')
	return e
}

// conclude tells how an admitted event ended. Of a version that is not active any
// more nothing is kept. It returns what the module's log is to say, or "".
func (q *quarantines) conclude(f *graph.ResolvedField, runner Runner, p pass, e ending, last abi.Code) (line string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	s := q.known[f.Resolver]
	switch {
	case q.runners[f.Module] != runner, s == nil && e != failed:
		return ""
	case s == nil:
		s = &suspected{field: f, runner: runner}
		if q.known == nil {
			q.known = map[string]*suspected{}
		}
		q.known[f.Resolver] = s
	case p.admission == probe && s.serial != p.serial: // the quarantine that it was to try ended meanwhile
		p.admission = admitted
	}
	held := s.holds()
	changed := s.conclude(p.admission, e, time.Now())
	if e == succeeded {
		delete(q.known, f.Resolver)
	}
	switch {
	case !changed:
		return ""
	case e == succeeded:
		return fmt.Sprintf("the quarantine of %s ends: it works again", f.Resolver)
	case !held:
		q.begun++
		s.serial = q.begun
		return fmt.Sprintf("the quarantine of %s begins: %d events in a row have failed, the last with %s; the next is tried in %s", f.Resolver, s.failures, last, s.pause)
	}
	return fmt.Sprintf("the quarantine of %s goes on: it failed with %s once more; the next event is tried in %s", f.Resolver, last, s.pause)
}

// renew takes over the runners of a version that becomes active. What is known of
// modules with another runner is forgotten; those in quarantine are returned.
func (q *quarantines) renew(runners map[string]Runner) []*suspected {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.runners = runners
	return q.forgetLocked(func(s *suspected) bool { return runners[s.field.Module] != s.runner })
}

// release forgets what is known of a module, and returns what was in quarantine.
func (q *quarantines) release(module string) []*suspected {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.forgetLocked(func(s *suspected) bool { return s.field.Module == module })
}

func (q *quarantines) forgetLocked(which func(*suspected) bool) (held []*suspected) {
	for resolver, s := range q.known {
		if !which(s) {
			continue
		}
		delete(q.known, resolver)
		if s.holds() {
			held = append(held, s)
		}
	}
	return held
}

// Quarantined lists the resolvers of a tenant that are in quarantine, by name.
func (b *Broker) Quarantined(t *tenant.Tenant) []Quarantined {
	st := b.state(t, false)
	if st == nil {
		return nil
	}
	q := &st.quarantines
	q.mu.Lock()
	defer q.mu.Unlock()
	var list []Quarantined
	for _, s := range q.known {
		if s.holds() {
			list = append(list, Quarantined{s.field.Module, s.field.Resolver, s.runner.Digest(), s.failures, s.skipped, s.until.UTC(), s.pause})
		}
	}
	slices.SortFunc(list, func(a, b Quarantined) int { return cmp.Compare(a.Resolver, b.Resolver) })
	return list
}

// Release ends the quarantine of all resolvers of a module: the next event runs.
func (b *Broker) Release(t *tenant.Tenant, module string) {
	if st := b.state(t, false); st != nil {
		b.released(st, st.quarantines.release(module), "it was released by hand")
	}
}

// released tells of resolvers that have left quarantine without a run.
func (b *Broker) released(st *state, held []*suspected, why string) {
	for _, s := range held {
		b.logQuarantine(st, s.field, s.runner, "", fmt.Sprintf("the quarantine of %s ends: %s", s.field.Resolver, why))
	}
}

// logQuarantine tells the module's log and the operators'.
func (b *Broker) logQuarantine(st *state, f *graph.ResolvedField, runner Runner, eventID, line string) {
	runner.Log(sandbox.Line{Level: abi.LogWarn, ID: eventID, Message: line})
	b.config.Logger.LogAttrs(context.Background(), slog.LevelWarn, line,
		slog.String("tenant", st.tenant.ID()), slog.String("module", f.Module), slog.String("digest", runner.Digest()), slog.String("resolver", f.Resolver))
}
