package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/bolt"
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
func openStorage(_ context.Context, o options) (_ *storage, err error) {
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
	if o.store != "" {
		return nil, errors.Join(errors.New("--store: this version has the embedded store only"), s.close())
	}
	if s.store, err = bolt.Open(filepath.Join(dir, storeFile)); err != nil {
		return nil, errors.Join(err, s.close())
	}
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
