// Package store defines where a server keeps what must outlive it: tenants with
// their settings and keys, modules and their versions, the audit log, what was used.
//
// A Store is a set of tables of records under a tenant and an id, changed by
// transactions. What the records mean is the business of who keeps them: packages
// tenant, registry, ledger and admin. store/bolt keeps them in a file, store/postgres
// in a database that several nodes share, store/memory nowhere. Package
// storetest holds what all of them must do.
package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Table names a set of records.
type Table string

// The tables. Values are JSON text, but for Binaries.
const (
	Tenants     Table = "tenants"     // under the tenant "", by the tenant's id
	Keys        Table = "keys"        // by the key's id
	Revocations Table = "revocations" // of subscribers' tokens
	Modules     Table = "modules"     // by name, each with its versions
	Binaries    Table = "binaries"    // uploaded modules, by digest; each tenant has its own
	Audit       Table = "audit"       // by number; what is of no tenant is under the tenant ""
	Usage       Table = "usage"       // what nodes have counted of a tenant, each under an id of its own
	Settings    Table = "settings"    // of the whole server, under the tenant ""
)

// Tables returns all tables. The caller owns the slice.
func Tables() []Table {
	return []Table{Tenants, Keys, Revocations, Modules, Binaries, Audit, Usage, Settings}
}

// OfTenant returns the tables whose records go with their tenant. The caller
// owns the slice.
func OfTenant() []Table { return []Table{Keys, Revocations, Modules, Binaries, Audit, Usage} }

// Bounds of what a record may be.
const (
	MaxIDBytes    = 512
	MaxValueBytes = 65 << 20 // a module of 64 MiB fits
)

// What a Store fails with. Callers ask with errors.Is.
var (
	// ErrNotFound means that there is no such record.
	ErrNotFound = errors.New("no such record")
	// ErrClosed means that the store was closed.
	ErrClosed = errors.New("the store is closed")
	// ErrReadOnly means that a View wrote.
	ErrReadOnly = errors.New("a view of the store cannot write")
	// ErrInvalid means that there can be no such record: CheckRecord says why.
	ErrInvalid = errors.New("no record can be like that")
)

// Store keeps records. It is safe for concurrent use, by several processes where
// its engine is.
type Store interface {
	// View calls read with a snapshot: it sees all of a change or nothing. read must
	// not write, and not call the store.
	View(ctx context.Context, read func(Tx) error) error
	// Update calls change and keeps all that it did, or nothing where it fails, as
	// if no other change were made meanwhile. Once it has returned nil, the change outlives
	// the process and the machine's power. change must have no effect but on the
	// Tx: it may be called again. tenant is whom the change concerns, for Watch; ""
	// is nobody. Nothing is kept where ctx ends before change has returned. An error after
	// the commit was begun may leave it unknown whether
	// the change was kept; it is never kept in part.
	Update(ctx context.Context, tenant string, change func(Tx) error) error
	// Watch calls changed with the id of every tenant that an Update of any node
	// concerned after Watch began: at least once, soon after the commit, one call at a time.
	// ready is called once when it has begun. It returns nil when ctx has ended, ErrClosed when
	// the store was closed, or why it cannot go on.
	Watch(ctx context.Context, ready func(), changed func(tenant string)) error
	// Close frees what the store holds, when the calls of View and Update under way have
	// returned. It may be called again.
	Close() error
}

// Tx is one transaction. It is not safe for concurrent use, and not to be used
// after the function that got it has returned. Tenant ids and record ids are
// text within the bounds of CheckRecord: others give ErrInvalid, from Scan as its
// after too, but for one that is too long.
type Tx interface {
	// Get returns a value, which the caller owns, or ErrNotFound.
	Get(table Table, tenant, id string) ([]byte, error)
	// Put writes a record, which there may be already. The value is borrowed.
	Put(table Table, tenant, id string, value []byte) error
	// Delete removes a record, which may be missing.
	Delete(table Table, tenant, id string) error
	// DeleteAll removes all records of a tenant.
	DeleteAll(table Table, tenant string) error
	// Scan returns the records of a tenant whose ids are greater than after, in byte order
	// of their ids, at most limit of them, none where limit is not positive. The caller owns
	// them.
	Scan(table Table, tenant, after string, limit int) ([]Record, error)
	// Tenants returns the ids of tenants with records that are greater than after, and so
	// never "", in byte order, at most limit of them. The caller owns the slice.
	Tenants(table Table, after string, limit int) ([]string, error)
}

// Record is a value with its id.
type Record struct {
	ID    string
	Value []byte
}

// CheckRecord refuses, with ErrInvalid, what no engine needs to keep: an id that
// is empty, longer than MaxIDBytes, no UTF-8 or has a zero byte, a value over
// MaxValueBytes, and one that is no such text, but in Binaries. Every engine calls
// it before it writes.
func CheckRecord(table Table, tenant, id string, value []byte) error {
	if err := CheckKey(tenant, id); err != nil {
		return err
	}
	switch {
	case len(value) > MaxValueBytes:
		return fmt.Errorf("store: a value of %d bytes, the most is %d: %w", len(value), MaxValueBytes, ErrInvalid)
	case table != Binaries && (!utf8.Valid(value) || bytes.IndexByte(value, 0) >= 0):
		return fmt.Errorf("store: a value for %s that is no plain text: %w", table, ErrInvalid)
	}
	return nil
}

// CheckKey refuses what CheckRecord refuses of a tenant's id and a record's.
func CheckKey(tenant, id string) error {
	if id == "" || len(id) > MaxIDBytes || !plain(id) {
		return fmt.Errorf("store: an id of %d bytes that is empty, too long or no plain text: %w", len(id), ErrInvalid)
	}
	return checkTenant(tenant)
}

// CheckScan refuses what no Scan can be asked for.
func CheckScan(tenant, after string) error {
	if !plain(after) {
		return fmt.Errorf("store: ids after one of %d bytes that is no plain text: %w", len(after), ErrInvalid)
	}
	return checkTenant(tenant)
}

func checkTenant(tenant string) error {
	if len(tenant) > MaxIDBytes || !plain(tenant) {
		return fmt.Errorf("store: a tenant's id of %d bytes that is too long or no plain text: %w", len(tenant), ErrInvalid)
	}
	return nil
}

func plain(s string) bool { return utf8.ValidString(s) && !strings.Contains(s, "\x00") }
