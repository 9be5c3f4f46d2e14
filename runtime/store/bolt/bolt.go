// Package bolt keeps a server's records in one file, by go.etcd.io/bbolt: a
// B+tree whose pages are never overwritten while they are in use, so that a
// crash at any moment leaves what was committed. One process may have the file
// open.
package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/runnel-dev/runnel/runtime/store"
)

const (
	// lockTime is how long Open waits for a process that is just ending.
	lockTime = 2 * time.Second
	// format counts up when what is in the file changes its meaning.
	format = 1
)

// about is the bucket of what is known of the file itself.
var about, formatKey = []byte("about"), []byte("format")

// Store is a store.Store in a file.
type Store struct {
	db      *bbolt.DB
	changes store.Changes
}

// Open opens the file, making it and its directory where they are missing, with
// modes 0600 and 0700.
func Open(path string) (*Store, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{
		Timeout: lockTime, FreelistType: bbolt.FreelistMapType, InitialMmapSize: mapBytes,
	})
	if errors.Is(err, bbolterrors.ErrTimeout) {
		return nil, fmt.Errorf("open the store: another process uses %s: stop it, or give this one another directory", path)
	}
	if err != nil {
		return nil, fmt.Errorf("open the store %s: %w", path, err)
	}
	err = db.Update(prepare)
	if err == nil {
		err = syncDirectories(filepath.Dir(path))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", path, err), db.Close())
	}
	return &Store{db: db}, nil
}

// prepare makes what is missing in the file, and refuses one that a later version
// of this program has written.
func prepare(tx *bbolt.Tx) error {
	known, err := tx.CreateBucketIfNotExists(about)
	if err != nil {
		return err
	}
	written := 0
	if text := known.Get(formatKey); text != nil {
		if written, err = strconv.Atoi(string(text)); err != nil {
			return fmt.Errorf("the number of its format: %w", err)
		}
	}
	if written > format {
		return fmt.Errorf("its format is %d, and this program knows those up to %d: run the version that wrote it, or a later one", written, format)
	}
	for _, table := range store.Tables() {
		if _, err := tx.CreateBucketIfNotExists([]byte(table)); err != nil {
			return err
		}
	}
	return known.Put(formatKey, []byte(strconv.Itoa(format)))
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, read func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.failure(s.db.View(func(tx *bbolt.Tx) error { return read(transaction{tx}) }))
}

// Update implements store.Store. It waits for those before it, whatever becomes
// of ctx: each takes as long as the disk needs.
func (s *Store) Update(ctx context.Context, tenant string, change func(store.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	begun := false // the commit
	err := s.failure(s.db.Update(func(tx *bbolt.Tx) error {
		if err := change(transaction{tx}); err != nil {
			return err
		}
		begun = ctx.Err() == nil
		return ctx.Err()
	}))
	// A commit that has failed may have been kept: who watches looks.
	if begun && tenant != "" {
		s.changes.Tell(tenant)
	}
	return err
}

func (s *Store) failure(err error) error {
	if errors.Is(err, bbolterrors.ErrDatabaseNotOpen) {
		return store.ErrClosed
	}
	return err
}

// Watch implements store.Store. There is no other node.
func (s *Store) Watch(ctx context.Context, ready func(), changed func(tenant string)) error {
	return s.changes.Watch(ctx, ready, changed)
}

// Close implements store.Store.
func (s *Store) Close() error {
	s.changes.Close()
	return s.db.Close()
}

// transaction is a store.Tx: a table is a bucket, which has one for each tenant
// with records.
type transaction struct{ tx *bbolt.Tx }

// name is that of a tenant's bucket, which must not be empty.
func name(tenant string) []byte { return append([]byte{'/'}, tenant...) }

func (t transaction) bucket(table store.Table, tenant string) *bbolt.Bucket {
	return t.tx.Bucket([]byte(table)).Bucket(name(tenant))
}

func (t transaction) Get(table store.Table, tenant, id string) ([]byte, error) {
	if err := store.CheckKey(tenant, id); err != nil {
		return nil, err
	}
	b := t.bucket(table, tenant)
	if b == nil {
		return nil, store.ErrNotFound
	}
	value := b.Get([]byte(id))
	if value == nil {
		return nil, store.ErrNotFound
	}
	return clone(value), nil
}

func (t transaction) Put(table store.Table, tenant, id string, value []byte) error {
	if !t.tx.Writable() {
		return store.ErrReadOnly
	}
	if err := store.CheckRecord(table, tenant, id, value); err != nil {
		return err
	}
	b, err := t.tx.Bucket([]byte(table)).CreateBucketIfNotExists(name(tenant))
	if err != nil {
		return err
	}
	return b.Put([]byte(id), clone(value)) // bbolt keeps it until the commit
}

func (t transaction) Delete(table store.Table, tenant, id string) error {
	if err := store.CheckKey(tenant, id); err != nil {
		return err
	}
	if !t.tx.Writable() {
		return store.ErrReadOnly
	}
	if b := t.bucket(table, tenant); b != nil {
		return b.Delete([]byte(id))
	}
	return nil
}

func (t transaction) DeleteAll(table store.Table, tenant string) error {
	if err := store.CheckScan(tenant, ""); err != nil {
		return err
	}
	if !t.tx.Writable() {
		return store.ErrReadOnly
	}
	err := t.tx.Bucket([]byte(table)).DeleteBucket(name(tenant))
	if errors.Is(err, bbolterrors.ErrBucketNotFound) {
		return nil
	}
	return err
}

func (t transaction) Scan(table store.Table, tenant, after string, limit int) ([]store.Record, error) {
	if err := store.CheckScan(tenant, after); err != nil {
		return nil, err
	}
	b := t.bucket(table, tenant)
	if b == nil {
		return nil, nil
	}
	var records []store.Record
	c := b.Cursor()
	id, value := c.Seek([]byte(after))
	if id != nil && string(id) == after {
		id, value = c.Next()
	}
	for ; id != nil && len(records) < limit; id, value = c.Next() {
		records = append(records, store.Record{ID: string(id), Value: clone(value)})
	}
	return records, nil
}

func (t transaction) Tenants(table store.Table, after string, limit int) ([]string, error) {
	if err := store.CheckScan("", after); err != nil {
		return nil, err
	}
	var found []string
	b := t.tx.Bucket([]byte(table))
	c := b.Cursor()
	for key, _ := c.Seek(name(after)); key != nil && len(found) < limit; key, _ = c.Next() {
		if first, _ := b.Bucket(key).Cursor().First(); first != nil && string(key[1:]) > after {
			found = append(found, string(key[1:]))
		}
	}
	return found, nil
}

// clone copies what is valid only during the transaction, or for its caller; an
// empty value is not nil, which bbolt would take for none.
func clone(value []byte) []byte { return append(make([]byte, 0, len(value)), value...) }
