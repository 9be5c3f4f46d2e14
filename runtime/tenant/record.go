package tenant

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
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

	members map[string]json.RawMessage // as they were read, those of another version of the server among them
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
	r.Limits = map[string]int64{}
	r.set(Settings{Limits: DefaultLimits()}, s)
	return r, nil
}

// set puts into the record what differs from the settings before. The rest stays as it is
// written: another version of the server may understand more of it.
func (r *record) set(before, now Settings) {
	for i := range definitions {
		d := &definitions[i]
		switch v := d.Value(&now.Limits); {
		case v == d.Value(&before.Limits):
		case v == d.Default: // which it follows where a later version has another
			delete(r.Limits, d.Name)
		default:
			r.Limits[d.Name] = v
		}
	}
	if now.Auth != before.Auth {
		r.Auth = now.Auth.AppendStored(nil)
	}
	r.Introspection, r.Debug = now.Introspection, now.Debug
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
	t.rechecks.next, t.keyChanges.next, t.limitChanges.next = make(chan struct{}), make(chan struct{}), make(chan struct{})
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
	if err := errors.Join(json.Unmarshal(text, &r), json.Unmarshal(text, &r.members)); err != nil {
		return r, fmt.Errorf("the record of tenant %s: %w", id, err)
	}
	if r.Limits == nil {
		r.Limits = map[string]int64{}
	}
	return r, nil
}

func (r *record) write(tx store.Tx, id string) error {
	text, err := r.text()
	if err != nil {
		return fmt.Errorf("the record of tenant %s: %w", id, err)
	}
	return tx.Put(store.Tenants, "", id, text)
}

// text is the record with all members that it was read with.
func (r *record) text() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil || r.members == nil {
		return text, err
	}
	members := maps.Clone(r.members)
	if err := json.Unmarshal(text, &members); err != nil { // which adds to them
		return nil, err
	}
	return json.Marshal(members)
}

// kept reads the limits of a record, be it of another version of the server: a limit
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
