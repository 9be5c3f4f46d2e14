package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/bolt"
	"github.com/runnel-dev/runnel/runtime/store/postgres"
)

// What lies in the directory of --data.
const (
	storeFile = "runnel.db"
	codeDir   = "code" // compiled modules; can be made anew
)

// storage is what a server keeps on disk or in a database.
type storage struct {
	store    store.Store
	cacheDir string
	remove   string // a directory that goes at the end; empty for none
}

// openStorage opens what the options name. Without --data there is a temporary
// directory, which close removes.
func openStorage(ctx context.Context, o options, logger *slog.Logger) (_ *storage, err error) {
	s := &storage{}
	dir := o.data
	if dir == "" {
		if dir, err = os.MkdirTemp("", "runnel-"); err != nil {
			return nil, fmt.Errorf("make a temporary directory: %w", err)
		}
		s.remove = dir
	} else if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	s.cacheDir = filepath.Join(dir, codeDir)
	// An engine that fails must not become a store that is a nil of its type.
	if o.store != "" {
		shared, err := postgres.Open(ctx, o.store, logger)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("--store: %w", err), s.close())
		}
		s.store = shared
		return s, nil
	}
	embedded, err := bolt.Open(filepath.Join(dir, storeFile))
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	s.store = embedded
	return s, nil
}

// close is called when nothing uses the storage any more.
func (s *storage) close() error {
	var err error
	if s.store != nil {
		err = s.store.Close()
	}
	if s.remove != "" {
		err = errors.Join(err, os.RemoveAll(s.remove))
	}
	return err
}
