package tenant

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
)

// record is what the store keeps of a tenant.
type record struct {
	Incarnation   string           `json:"incarnation"`
	Created       time.Time        `json:"created"`
	Limits        map[string]int64 `json:"limits"` // those that differ from their defaults
	Introspection bool             `json:"introspection"`
	Debug         bool             `json:"debug"`
	Auth          json.RawMessage  `json:"auth,omitempty"` // with the secret
}

// newRecord is the record of a tenant that begins now.
func newRecord(id string, s Settings) (record, error) {
	if !ValidName(id) {
		return record{}, invalidName(id)
	}
	if err := s.validate(); err != nil {
		return record{}, err
	}
	r := record{Incarnation: rand.Text(), Created: time.Now().UTC()}
	r.set(s)
	return r, nil
}

// set puts the settings into the record.
func (r *record) set(s Settings) {
	r.Limits = s.Limits.changed()
	r.Introspection, r.Debug, r.Auth = s.Introspection, s.Debug, s.Auth.AppendStored(nil)
}

// settings reads the settings that the record has. Where this version of the
// server does not understand who may subscribe, nobody may.
func (r *record) settings() Settings {
	s := Settings{Limits: kept(r.Limits), Introspection: r.Introspection, Debug: r.Debug, Auth: &defaultAuth}
	if auth, err := ParseAuth(r.Auth); err == nil && !auth.Equal(&defaultAuth) {
		s.Auth = &auth
	}
	return s
}

// tenant makes the tenant that the record is of.
func (r *record) tenant(id string) *Tenant {
	t := &Tenant{id: id, incarnation: r.Incarnation, created: r.Created, gone: make(chan struct{})}
	t.rechecks.next = make(chan struct{})
	settings := r.settings()
	t.settings.Store(&settings)
	t.keys.Store(&keys{})
	t.operations, t.events = newBucket(settings.Limits.OperationsPerSecond), newBucket(settings.Limits.EventsPerSecond)
	t.replayed = newBucket(settings.Limits.ReplayEventsPerSecond)
	return t
}

// readRecord gives ErrUnknown where the store has no tenant of that id.
func readRecord(tx store.Tx, id string) (r record, err error) {
	text, err := tx.Get(store.Tenants, "", id)
	if errors.Is(err, store.ErrNotFound) {
		return r, fmt.Errorf("%w: %q", ErrUnknown, id)
	}
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return r, fmt.Errorf("the record of tenant %s: %w", id, err)
	}
	return r, nil
}

func (r *record) write(tx store.Tx, id string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("the record of tenant %s: %w", id, err)
	}
	return tx.Put(store.Tenants, "", id, text)
}

// changed returns the limits that differ from their defaults, which others of
// them thus follow where a later version of the server has other ones.
func (l Limits) changed() map[string]int64 {
	values := map[string]int64{}
	for i := range definitions {
		if v := definitions[i].Value(&l); v != definitions[i].Default {
			values[definitions[i].Name] = v
		}
	}
	return values
}

// kept reads what changed gave, be it by another version of the server: a limit
// that this one does not have is passed over, and a value that it does not
// allow brought into the range.
func kept(values map[string]int64) Limits {
	l := DefaultLimits()
	for name, v := range values {
		if d := lookup(name); d != nil {
			d.Set(&l, min(max(v, d.Min), d.Max))
		}
	}
	return l
}
