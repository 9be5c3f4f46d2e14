package registry

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/runnel-dev/runnel/runtime/sandbox"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// errDamaged means that the store does not have what belongs together.
var errDamaged = errors.New("the store does not have the module's bytes as they were uploaded; upload them again")

// load returns a version with its module. What this node has compiled before
// it takes from the cache; else it takes a turn, as uploads do, and the bytes from the
// store.
func (r *Registry) load(ctx context.Context, t *tenant.Tenant, s *shelf, name string, v *version) (*version, error) {
	loaded := *v
	var err error
	if loaded.module, err = r.config.Engine.Recall(v.digest); err != nil {
		return nil, fmt.Errorf("load module %s: %w", name, err)
	}
	if loaded.module == nil {
		loaded.module, err = r.compile(ctx, t, s, name, v.digest)
	}
	if err != nil {
		return nil, err
	}
	return &loaded, nil
}

func (r *Registry) compile(ctx context.Context, t *tenant.Tenant, s *shelf, name, digestOf string) (*sandbox.Module, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	// Whoever deletes the tenant waits for the end.
	defer context.AfterFunc(s.ended, func() { cancel(errDeleted()) })()
	done, err := r.turns.take(ctx, t, maxWaiting+1)
	if err != nil {
		return nil, fmt.Errorf("wait to load module %s: %w", name, err)
	}
	defer done()
	var binary []byte
	err = r.view(ctx, func(tx store.Tx) (err error) {
		binary, err = tx.Get(store.Binaries, t.ID(), digestOf)
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, errDamaged
	case err != nil:
		return nil, err
	case digest(binary) != digestOf:
		return nil, errDamaged
	}
	m, err := r.config.Engine.Load(ctx, binary)
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("load module %s: %w", name, context.Cause(ctx))
	}
	if err != nil {
		return nil, admissionError(name, err)
	}
	return m, nil
}

// repair writes the bytes of a version anew where the store has lost them or has
// others. The revision is another then, so that every node tries the version again.
func (r *Registry) repair(ctx context.Context, t *tenant.Tenant, name, digestOf string, binary []byte) error {
	damaged := false
	err := r.view(ctx, func(tx store.Tx) error {
		kept, err := tx.Get(store.Binaries, t.ID(), digestOf)
		if damaged = errors.Is(err, store.ErrNotFound) || err == nil && !bytes.Equal(kept, binary); damaged {
			return nil
		}
		return err
	})
	if err != nil || !damaged {
		return err
	}
	revision, err := json.Marshal(rand.Text())
	if err != nil {
		return fmt.Errorf("repair module %s: %w", name, err)
	}
	ctx, cancel := context.WithTimeout(ctx, storeTime)
	defer cancel()
	err = r.config.Store.Update(ctx, t.ID(), func(tx store.Tx) error {
		if err := t.Exists(tx); err != nil {
			return err
		}
		text, err := tx.Get(store.Modules, t.ID(), name)
		if errors.Is(err, store.ErrNotFound) {
			return nil // deleted meanwhile, which the upload will meet
		} else if err != nil {
			return err
		}
		m, err := decode(name, text)
		if err != nil || m.find(digestOf) == nil {
			return err
		}
		if err := tx.Put(store.Binaries, t.ID(), digestOf, binary); err != nil {
			return err
		}
		return tx.Put(store.Modules, t.ID(), revisionID, revision)
	})
	if err != nil && !errors.Is(err, tenant.ErrUnknown) {
		return unavailable("the store has lost the module's bytes and does not take them again; try again later", err)
	}
	if err == nil {
		r.config.Logger.Warn("the store had lost a module's bytes, which were uploaded again", "tenant", t.ID(), "module", name, "digest", digestOf)
	}
	return err
}

// passing tells whether an error of load is about the moment and not about the
// module: the store's, or the end of who has asked.
func passing(err error) bool {
	var refused *Error
	return errors.As(err, &refused) && refused.Reason == Unavailable || errors.Is(err, sandbox.ErrClosed) || errors.Is(err, tenant.ErrUnknown) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// lasting tells whether an error of load would be the same the next time.
func lasting(err error) bool {
	var refused *Error
	return errors.As(err, &refused) || errors.Is(err, errDamaged)
}
