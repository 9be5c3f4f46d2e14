package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

const (
	// A restore is written in transactions of about so much.
	restoreBytes   = 8 << 20
	restoreRecords = 1000
	// eraseTime is how long a failed restore may take to leave the store empty.
	eraseTime = 5 * time.Minute

	// restoreMark is the record in Settings that is there while a restore is not
	// finished.
	restoreMark = "restore"
)

var (
	// ErrNotEmpty means that Restore was given a store with records.
	ErrNotEmpty = errors.New("the store is not empty")
	// ErrUnfinished means that a restore was begun and not finished.
	ErrUnfinished = errors.New("a restore into the store was not finished: restore again")
)

// Restore writes a backup into a store that is empty, or in which a restore was
// not finished, and that nobody else uses. It writes the records in many transactions, so that it needs
// little memory; CheckRestored fails until it has read and checked the whole
// backup. A backup that is damaged leaves the store empty.
func Restore(ctx context.Context, s Store, r io.Reader) (BackupSize, error) {
	size, err := restore(ctx, s, r)
	if err != nil {
		return BackupSize{}, fmt.Errorf("restore a backup: %w", err)
	}
	return size, nil
}

func restore(ctx context.Context, s Store, r io.Reader) (BackupSize, error) {
	if err := begin(ctx, s); err != nil {
		return BackupSize{}, err
	}
	in := newBackupReader(r)
	err := fill(ctx, s, in)
	if err == nil {
		err = s.Update(ctx, "", func(tx Tx) error { return tx.Delete(Settings, "", restoreMark) })
	}
	if err != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eraseTime)
		defer cancel()
		return BackupSize{}, errors.Join(err, erase(ctx, s))
	}
	return BackupSize{in.records, in.bytes}, nil
}

// CheckRestored gives ErrUnfinished where what the store has is a part of a backup.
func CheckRestored(ctx context.Context, s Store) error { return s.View(ctx, checkRestored) }

func checkRestored(tx Tx) error {
	_, err := tx.Get(Settings, "", restoreMark)
	switch {
	case err == nil:
		return ErrUnfinished
	case errors.Is(err, ErrNotFound):
		return nil
	}
	return err
}

// begin marks the store, which is empty then.
func begin(ctx context.Context, s Store) error {
	err := CheckRestored(ctx, s)
	if errors.Is(err, ErrUnfinished) {
		err = erase(ctx, s)
	}
	if err != nil {
		return err
	}
	return s.Update(ctx, "", func(tx Tx) error {
		for _, table := range Tables() {
			if err := checkEmpty(tx, table); err != nil {
				return err
			}
		}
		return tx.Put(Settings, "", restoreMark, []byte("{}"))
	})
}

func checkEmpty(tx Tx, table Table) error {
	records, err := tx.Scan(table, "", "", 1)
	if err != nil {
		return err
	}
	tenants, err := tx.Tenants(table, "", 1)
	if err == nil && len(records)+len(tenants) > 0 {
		return fmt.Errorf("%w: it has %s", ErrNotEmpty, table)
	}
	return err
}

// fill writes all records of a backup.
func fill(ctx context.Context, s Store, in *backupReader) error {
	for more := true; more; {
		var batch []*backupRecord
		for bytes := 0; more && bytes < restoreBytes && len(batch) < restoreRecords; {
			r, err := in.next()
			if more = !errors.Is(err, io.EOF); !more {
				break
			}
			if err != nil {
				return err
			}
			bytes += len(r.Value)
			batch = append(batch, r)
		}
		err := s.Update(ctx, "", func(tx Tx) error {
			for _, r := range batch {
				if r.table == Settings && r.tenant == "" && r.ID == restoreMark {
					return fmt.Errorf("%w: it is of a store in which a restore was not finished", ErrDamaged)
				}
				if err := tx.Put(r.table, r.tenant, r.ID, r.Value); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// erase leaves nothing in the store, and the mark until the last.
func erase(ctx context.Context, s Store) error {
	tables := slices.DeleteFunc(Tables(), func(t Table) bool { return t == Settings })
	for _, table := range append(tables, Settings) {
		for more := true; more; {
			err := s.Update(ctx, "", func(tx Tx) error {
				tenants, err := tx.Tenants(table, "", restoreRecords)
				if more = len(tenants) > 0; !more {
					tenants = []string{""}
				}
				for _, tenant := range tenants {
					err = errors.Join(err, tx.DeleteAll(table, tenant))
				}
				return err
			})
			if err != nil {
				return fmt.Errorf("empty the store: %w", err)
			}
		}
	}
	return nil
}
