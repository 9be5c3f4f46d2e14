package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// moduleRecord is what the store keeps of a module, under its name. The bytes of
// its versions are records of store.Binaries, under their digests.
type moduleRecord struct {
	Active   string          `json:"active,omitempty"`
	Previous string          `json:"previous,omitempty"`
	Config   *string         `json:"config,omitempty"` // a string, so that it stays as it was sent
	Versions []versionRecord `json:"versions"`         // in the order of their upload
}

type versionRecord struct {
	Digest    string    `json:"digest"`
	Bytes     int       `json:"bytes"`
	Resolvers []string  `json:"resolvers"`
	Uploaded  time.Time `json:"uploaded"`
}

// revisionID is where store.Modules has the revision of a tenant's records: a
// text that each change replaces. No module has a slash in its name.
const revisionID = "/revision"

func (m *module) encode() ([]byte, error) {
	r := moduleRecord{Active: m.active, Previous: m.previous, Versions: []versionRecord{}}
	if m.config.JSON != nil {
		text := string(m.config.JSON)
		r.Config = &text
	}
	for _, v := range m.versions {
		r.Versions = append(r.Versions, versionRecord{v.digest, v.bytes, v.resolvers, v.uploaded})
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("the record of module %s: %w", m.name, err)
	}
	return text, nil
}

// decode reads what encode gave. Nothing of it is loaded.
func decode(name string, text []byte) (*module, error) {
	var r moduleRecord
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("the record of module %s: %w", name, err)
	}
	m := &module{name: name, active: r.Active, previous: r.Previous}
	if r.Config != nil {
		m.config = ModuleConfig{JSON: []byte(*r.Config), Version: digest([]byte(*r.Config))}
	}
	for _, v := range r.Versions {
		m.versions = append(m.versions, &version{digest: v.Digest, bytes: v.Bytes, resolvers: v.Resolvers, uploaded: v.Uploaded})
	}
	return m, nil
}

// readRevision returns the revision of a tenant's records, which is empty where
// there are none. It fails where the store does not have the tenant any more.
func readRevision(tx store.Tx, t *tenant.Tenant) (revision string, err error) {
	if err := t.Exists(tx); err != nil {
		return "", err
	}
	text, err := tx.Get(store.Modules, t.ID(), revisionID)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	if err := json.Unmarshal(text, &revision); err != nil {
		return "", fmt.Errorf("the revision of the modules of tenant %s: %w", t.ID(), err)
	}
	return revision, nil
}

// readModules returns the tenant's modules by name.
func readModules(tx store.Tx, t *tenant.Tenant) (map[string]*module, error) {
	const page = 100
	modules := map[string]*module{}
	for after, more := "", true; more; {
		records, err := tx.Scan(store.Modules, t.ID(), after, page)
		if err != nil {
			return nil, err
		}
		for _, r := range records {
			after = r.ID
			if r.ID == revisionID {
				continue
			}
			if modules[r.ID], err = decode(r.ID, r.Value); err != nil {
				return nil, err
			}
		}
		more = len(records) == page
	}
	return modules, nil
}
