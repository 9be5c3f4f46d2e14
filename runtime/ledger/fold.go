package ledger

import (
	"context"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
)

// Fold folds the rows that nobody writes any more, of all tenants.
func (l *Ledger) Fold(ctx context.Context) error {
	for after, more := "", true; more; {
		var old []string
		err := l.config.Store.View(ctx, func(tx store.Tx) error {
			tenants, err := tx.Tenants(store.Usage, after, page)
			if err != nil {
				return err
			}
			for _, id := range tenants {
				all, err := rows(tx, id)
				if err != nil {
					return err
				}
				if len(l.old(all)) > 0 {
					old = append(old, id)
				}
				after = id
			}
			more = len(tenants) == page
			return nil
		})
		if err != nil {
			return err
		}
		if err := l.foldAll(ctx, old); err != nil {
			return err
		}
	}
	return nil
}

// old returns the ids of rows that are to be folded.
func (l *Ledger) old(all map[string]row) (ids []string) {
	for id, r := range all {
		if id != total && id != l.id && time.Since(r.Written) >= foldAge {
			ids = append(ids, id)
		}
	}
	return ids
}

// foldAll folds the rows of some tenants, in one transaction.
func (l *Ledger) foldAll(ctx context.Context, tenants []string) error {
	if len(tenants) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, updateTime)
	defer cancel()
	err := l.config.Store.Update(ctx, "", func(tx store.Tx) error {
		for _, id := range tenants {
			if err := l.fold(tx, id); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("usage of %d tenants: %w", len(tenants), err)
	}
	return nil
}

func (l *Ledger) fold(tx store.Tx, tenant string) error {
	all, err := rows(tx, tenant)
	if err != nil {
		return err
	}
	old := l.old(all)
	if len(old) == 0 {
		return nil
	}
	sum := all[total]
	for _, id := range old {
		sum.add(all[id])
		if err := tx.Delete(store.Usage, tenant, id); err != nil {
			return err
		}
	}
	sum.Written = time.Now().UTC()
	return sum.put(tx, tenant, total)
}
