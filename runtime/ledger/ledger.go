// Package ledger keeps in the store what tenants have used, so that it outlives
// the process and any node can tell what all of them have counted.
//
// Each process has a row per tenant, under an id of its own, and writes into it
// what it has counted since it was started. To write it twice does no harm, and a process
// that is killed loses what it counted since the last time. The rows that nobody has written
// for an hour are folded into one. A process whose row was folded, because it had
// nothing to write, goes on in a new one with what it counts from there on.
//
// One thing is not exact: where a process can't tell whether a write was kept, and none
// succeeds before its row is folded, then what that write had on top of the one before may
// be missing from the sums; or be in them twice, where it was the first.
package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/runtime/broker"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// Interval is how often Run writes what was counted.
const Interval = 10 * time.Second

const (
	// A row that was not written for foldAge is folded; Run looks every foldInterval.
	foldAge      = time.Hour
	foldInterval = 10 * time.Minute
	// perUpdate is how many tenants' rows one transaction writes: each costs a commit,
	// and keeps those away who ask meanwhile.
	perUpdate = 500
	// updateTime bounds a transaction.
	updateTime = 30 * time.Second
)

// Config is what a Ledger works with. All is required.
type Config struct {
	Store store.Store
	Node  string // names the process in its rows
	// Tenants returns those that this process serves.
	Tenants func() []*tenant.Tenant
	// Usage is what this process has counted of a tenant since it began to: it only grows.
	Usage  func(t *tenant.Tenant) broker.Usage
	Logger *slog.Logger
}

// Ledger is the part of one process. It is safe for concurrent use.
type Ledger struct {
	config Config
	id     string // of the process's rows
	writes sync.Mutex

	mu struct {
		// Held by who writes until it is known what became of that: who reads must know
		// which of this process's counts the store has.
		sync.RWMutex
		accounts map[*tenant.Tenant]*account
	}
}

// account is what is known of a process's row. All counts are since its start.
type account struct {
	there bool // the row was written: where it is missing now, it was folded
	// tried are the counts that were written last, and unsure that it is not known
	// whether they were kept. They are written once more then, so that no more than one
	// such step is ever unknown.
	tried  counts
	unsure bool
	folded counts // those of tried that a row had which was folded
}

// New makes the ledger of a process that has just been started.
func New(config Config) *Ledger {
	l := &Ledger{config: config, id: rand.Text()}
	l.mu.accounts = map[*tenant.Tenant]*account{}
	return l
}

// Run writes what was counted and folds rows until ctx ends. It logs what fails,
// and tries again the next time.
func (l *Ledger) Run(ctx context.Context) {
	ticker := time.NewTicker(Interval)
	defer ticker.Stop()
	var folded time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		l.failed(ctx, "write usage to the store", l.Write(ctx))
		if time.Since(folded) >= foldInterval {
			folded = time.Now()
			l.failed(ctx, "fold usage in the store", l.Fold(ctx))
		}
	}
}

func (l *Ledger) failed(ctx context.Context, what string, err error) {
	if err != nil && ctx.Err() == nil {
		l.config.Logger.LogAttrs(ctx, slog.LevelError, what, slog.String("error", err.Error()))
	}
}

// Write writes what was counted since the last time.
func (l *Ledger) Write(ctx context.Context) error {
	l.writes.Lock()
	defer l.writes.Unlock()
	var tenants []*tenant.Tenant
	for _, t := range l.config.Tenants() {
		tenants = append(tenants, t)
		if len(tenants) == perUpdate {
			if err := l.writeAll(ctx, tenants); err != nil {
				return err
			}
			tenants = tenants[:0]
		}
	}
	return l.writeAll(ctx, tenants)
}

// writeAll writes the rows of some tenants. Twice where the first time was to learn
// what the store has.
func (l *Ledger) writeAll(ctx context.Context, tenants []*tenant.Tenant) error {
	again, err := l.update(ctx, tenants)
	if err == nil && again {
		_, err = l.update(ctx, tenants)
	}
	return err
}

// step is one row that is to be written.
type step struct {
	tenant  *tenant.Tenant
	account *account
	since   time.Time
	counts  counts

	gone, folded bool // found in the transaction: nothing was written
}

// update writes rows once. again says that counts are left that it did not write.
func (l *Ledger) update(ctx context.Context, tenants []*tenant.Tenant) (again bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	steps := l.stepsLocked(tenants)
	if len(steps) == 0 {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, updateTime)
	defer cancel()
	err = l.config.Store.Update(ctx, "", func(tx store.Tx) error {
		for i := range steps {
			if err := steps[i].write(tx, l.config.Node, l.id); err != nil {
				return err
			}
		}
		return nil
	})
	for i := range steps {
		again = l.concludeLocked(&steps[i], err) || again
	}
	if err != nil {
		return false, fmt.Errorf("usage of %d tenants: %w", len(steps), err)
	}
	return again, nil
}

// stepsLocked returns what is to be written.
func (l *Ledger) stepsLocked(tenants []*tenant.Tenant) (steps []step) {
	for _, t := range tenants {
		used := l.config.Usage(t)
		s := step{tenant: t, account: l.mu.accounts[t], since: used.Since, counts: countsOf(&used)}
		if s.account == nil {
			s.account = &account{}
		}
		if s.account.unsure {
			s.counts = s.account.tried
		} else if s.counts.equal(s.account.tried) {
			continue
		}
		steps = append(steps, s)
	}
	return steps
}

func (s *step) write(tx store.Tx, node, id string) error {
	s.gone, s.folded = false, false
	switch err := s.tenant.Exists(tx); {
	case errors.Is(err, tenant.ErrUnknown):
		s.gone = true
		return nil
	case err != nil:
		return err
	}
	if s.account.there {
		switch _, err := tx.Get(store.Usage, s.tenant.ID(), id); {
		case errors.Is(err, store.ErrNotFound):
			s.folded = true
			return nil
		case err != nil:
			return err
		}
	}
	r := row{Node: node, Since: s.since.UTC(), Written: time.Now().UTC(), counts: s.counts.combined(s.account.folded, minus)}
	return r.put(tx, s.tenant.ID(), id)
}

// concludeLocked keeps what became of a step. again says that there is more to be
// written.
func (l *Ledger) concludeLocked(s *step, err error) (again bool) {
	a := s.account
	select {
	case <-s.tenant.Gone():
		delete(l.mu.accounts, s.tenant)
		return false
	default:
		l.mu.accounts[s.tenant] = a
	}
	switch {
	case err != nil:
		a.tried, a.unsure = s.counts, true
		return false
	case s.gone:
		return false // it is about to be forgotten
	case s.folded:
		a.there, a.unsure, a.folded = false, false, a.tried
		return true
	}
	again = a.unsure
	a.there, a.unsure, a.tried = true, false, s.counts
	return again
}

// Forget drops what is kept in memory of a tenant that was deleted.
func (l *Ledger) Forget(t *tenant.Tenant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.mu.accounts, t)
}

// Total returns what all processes have counted of a tenant: this one until now, others
// until they wrote last. What is in use now is of this one. It gives
// tenant.ErrUnknown where the tenant was deleted.
func (l *Ledger) Total(ctx context.Context, t *tenant.Tenant) (broker.Usage, error) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	now := l.config.Usage(t)
	var all map[string]row
	err := l.config.Store.View(ctx, func(tx store.Tx) (err error) {
		if err = t.Exists(tx); err != nil {
			return err
		}
		all, err = rows(tx, t.ID())
		return err
	})
	if err != nil {
		return broker.Usage{}, fmt.Errorf("usage of tenant %s: %w", t.ID(), err)
	}
	var counted counts // of this process, by other rows than its own
	if a := l.mu.accounts[t]; a != nil {
		counted = a.folded
		if _, ok := all[l.id]; a.there && !ok {
			counted = a.tried
		}
	}
	sum := row{Since: now.Since, counts: countsOf(&now).combined(counted, minus)}
	delete(all, l.id)
	for _, r := range all {
		sum.add(r)
	}
	now.Since = sum.Since
	sum.counts.put(&now)
	return now, nil
}
