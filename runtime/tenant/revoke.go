package tenant

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
)

// Revoke keeps a revocation, and has whoever serves the tenant, on every node,
// end what it refuses. Of two of the same subject or token the one with the later
// Before counts. Those of which every token has expired are forgotten on the
// occasion. It gives ErrUnknown where the tenant was deleted, and
// ErrTooManyRevocations.
func (d *Directory) Revoke(ctx context.Context, t *Tenant, r Revocation) error {
	if err := r.Validate(); err != nil {
		return fmt.Errorf("revoke: %w", err)
	}
	done, err := d.changing.Take(ctx, t.id)
	if err != nil {
		return fmt.Errorf("revoke tokens of tenant %s: %w", t.id, err)
	}
	defer done()
	var all []Revocation
	err = d.store.Update(ctx, t.id, func(tx store.Tx) (err error) {
		own, err := t.read(tx)
		if err != nil {
			return err
		}
		if all, err = readRevocations(tx, t.id); err != nil {
			return err
		}
		if all, err = forgetRevocations(tx, t.id, all, own.settings().Auth); err != nil {
			return err
		}
		all, err = addRevocation(tx, t.id, all, r)
		return err
	})
	if err != nil {
		return fmt.Errorf("revoke tokens of tenant %s: %w", t.id, err)
	}
	t.setRevocations(all)
	return nil
}

func readRevocations(tx store.Tx, id string) (all []Revocation, err error) {
	const page = 1000
	for after, more := "", true; more; {
		records, err := tx.Scan(store.Revocations, id, after, page)
		if err != nil {
			return nil, err
		}
		for _, record := range records {
			r, err := ParseRevocation(record.Value)
			if err != nil {
				return nil, fmt.Errorf("the record %s of tenant %s: %w", record.ID, id, err)
			}
			all = append(all, r)
			after = record.ID
		}
		more = len(records) == page
	}
	return all, nil
}

func forgetRevocations(tx store.Tx, id string, all []Revocation, a *Auth) (kept []Revocation, err error) {
	now := time.Now()
	for _, r := range all {
		if !r.over(a, now) {
			kept = append(kept, r)
		} else if err := tx.Delete(store.Revocations, id, r.id()); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

func addRevocation(tx store.Tx, id string, all []Revocation, r Revocation) ([]Revocation, error) {
	at := slices.IndexFunc(all, func(old Revocation) bool { return old.key() == r.key() })
	switch {
	case at < 0 && len(all) >= MaxRevocations:
		return nil, ErrTooManyRevocations
	case at < 0:
		all = append(all, r)
	case !r.Before.After(all[at].Before):
		return all, nil
	default:
		all[at] = r
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return all, tx.Put(store.Revocations, id, r.id(), text)
}
