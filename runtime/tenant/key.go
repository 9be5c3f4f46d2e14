package tenant

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
)

// Scope is what a key may be used for.
type Scope string

// The scopes of keys.
const (
	ScopeModules Scope = "modules" // modules, their config and log, the schema
	ScopeEvents  Scope = "events"  // to publish
	ScopeRead    Scope = "read"    // all that can be read of the tenant, but for its keys
)

// Scopes returns all scopes. The caller owns the slice.
func Scopes() []Scope { return []Scope{ScopeModules, ScopeEvents, ScopeRead} }

// What a Directory refuses of keys.
var (
	ErrUnknownKey  = errors.New("unknown key")
	ErrTooManyKeys = errors.New("too many keys")
)

// Key describes an API key of a tenant. Scopes must not be changed.
type Key struct {
	ID      string
	Name    string // for people; may be empty
	Scopes  []Scope
	Created time.Time // UTC

	digest [sha256.Size]byte // of the secret
}

// keyPrefix begins every key, so that scanners for leaked secrets find it.
const keyPrefix = "rnl_"

// keyIDBytes is the length of a key's id.
const keyIDBytes = 12

// keyRecord is what the store keeps of a key. The secret has 130 random bits, so
// that a plain digest tells nothing of it.
type keyRecord struct {
	Name    string    `json:"name,omitempty"`
	Scopes  []Scope   `json:"scopes"`
	Created time.Time `json:"created"`
	Digest  []byte    `json:"sha256"`
}

// keys are the keys of a tenant by id. They are never written.
type keys map[string]Key

func readKeys(tx store.Tx, tenant string) (keys, error) {
	all := keys{}
	records, err := tx.Scan(store.Keys, tenant, "", int(lookup("keys").Max)+1)
	if err != nil {
		return nil, err
	}
	for _, r := range records {
		var kept keyRecord
		if err := json.Unmarshal(r.Value, &kept); err != nil || len(kept.Digest) != sha256.Size {
			return nil, fmt.Errorf("the record of key %s of tenant %s is damaged: %w", r.ID, tenant, err)
		}
		all[r.ID] = Key{r.ID, kept.Name, kept.Scopes, kept.Created, [sha256.Size]byte(kept.Digest)}
	}
	return all, nil
}

// setKeys replaces all keys. Calls are not made at the same time.
func (t *Tenant) setKeys(all keys) {
	t.keys.Store(&all)
	t.keyChanges.call()
}

// KeysChanged is closed when a key that was good may not be any more. Whoever goes
// on for the holder of one then looks for it anew, and asks for the next
// KeysChanged before that.
func (t *Tenant) KeysChanged() <-chan struct{} { return t.keyChanges.channel() }

// Keys returns the tenant's keys by id. The caller owns the slice.
func (t *Tenant) Keys() []Key {
	all := *t.keys.Load()
	list := make([]Key, 0, len(all))
	for _, k := range all {
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b Key) int { return strings.Compare(a.ID, b.ID) })
	return list
}

// Key returns the key whose text that is. The time that it takes tells nothing of
// the secret.
func (t *Tenant) Key(text string) (Key, bool) {
	id, secret, ok := splitKey(text)
	if !ok {
		return Key{}, false
	}
	k, known := (*t.keys.Load())[id]
	digest := sha256.Sum256([]byte(secret))
	same := subtle.ConstantTimeCompare(digest[:], k.digest[:]) == 1
	if !known || !same {
		return Key{}, false
	}
	return k, true
}

// splitKey reads rnl_<id>_<secret>.
func splitKey(text string) (id, secret string, ok bool) {
	rest, ok := strings.CutPrefix(text, keyPrefix)
	if !ok {
		return "", "", false
	}
	id, secret, ok = strings.Cut(rest, "_")
	return id, secret, ok && len(id) == keyIDBytes && secret != ""
}

// Allows tells whether the key has the scope.
func (k Key) Allows(s Scope) bool { return slices.Contains(k.Scopes, s) }

// CreateKey gives the tenant a key. text is the key itself, which nobody can
// read again. It gives ErrTooManyKeys over the limit.
func (d *Directory) CreateKey(ctx context.Context, t *Tenant, name string, scopes []Scope) (k Key, text string, err error) {
	secret := rand.Text()
	digest := sha256.Sum256([]byte(secret))
	k = Key{strings.ToLower(rand.Text()[:keyIDBytes]), name, slices.Clone(scopes), time.Now().UTC(), digest}
	err = d.changeKeys(ctx, t, func(tx store.Tx, all keys) error {
		if limit := t.Limits().Keys; int64(len(all)) >= limit {
			return fmt.Errorf("%w: the tenant has %d and its limit is %d", ErrTooManyKeys, len(all), limit)
		}
		record, err := json.Marshal(keyRecord{k.Name, k.Scopes, k.Created, digest[:]})
		if err != nil {
			return err
		}
		all[k.ID] = k
		return tx.Put(store.Keys, t.id, k.ID, record)
	})
	if err != nil {
		return Key{}, "", fmt.Errorf("create a key: %w", err)
	}
	return k, keyPrefix + k.ID + "_" + secret, nil
}

// DeleteKey revokes a key: at once on this node, and on others as soon as the
// store tells them. It gives ErrUnknownKey where there is none of that id.
func (d *Directory) DeleteKey(ctx context.Context, t *Tenant, id string) error {
	err := d.changeKeys(ctx, t, func(tx store.Tx, all keys) error {
		if _, ok := all[id]; !ok {
			return ErrUnknownKey
		}
		delete(all, id)
		return tx.Delete(store.Keys, t.id, id)
	})
	if err != nil {
		return fmt.Errorf("delete a key: %w", err)
	}
	return nil
}

// changeKeys changes the keys in the store and then in memory. change is given
// those that the store has, which it may write.
func (d *Directory) changeKeys(ctx context.Context, t *Tenant, change func(store.Tx, keys) error) error {
	done, err := d.changing.Take(ctx, t.id)
	if err != nil {
		return err
	}
	defer done()
	var all keys
	err = d.store.Update(ctx, t.id, func(tx store.Tx) error {
		if err := t.Exists(tx); err != nil {
			return err
		}
		var err error
		if all, err = readKeys(tx, t.id); err != nil {
			return err
		}
		return change(tx, all)
	})
	if err == nil {
		t.setKeys(all)
	}
	return err
}
