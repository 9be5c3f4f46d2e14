package sandbox

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// workspace is a private directory of one Engine on this machine, mode 0700. It
// holds what no other process may write: the files of compilations under way,
// and machine code between the moment it was verified and the moment wazero has
// read it.
type workspace struct {
	dir  string
	lock *os.File // locked as long as the Engine lives
}

const (
	workspacePrefix = "runnel-sandbox-"
	lockName        = "lock"
)

// newWorkspace makes a workspace, and removes those of processes that were
// killed.
func newWorkspace() (*workspace, error) {
	removeStale(os.TempDir(), workspacePrefix)
	dir, err := os.MkdirTemp("", "new-"+workspacePrefix)
	if err != nil {
		return nil, fmt.Errorf("make a workspace: %w", err)
	}
	w := &workspace{dir: dir}
	if w.lock, err = lockIn(dir); err == nil {
		// Only now may others hold its lock against it.
		locked := filepath.Join(os.TempDir(), workspacePrefix+filepath.Base(dir))
		if err = os.Rename(dir, locked); err == nil {
			w.dir = locked
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make a workspace: %w", err), w.remove())
	}
	return w, nil
}

func (w *workspace) path(name string) string { return filepath.Join(w.dir, name) }

// remove deletes the workspace with all that is in it.
func (w *workspace) remove() error {
	return errors.Join(unlock(w.lock), os.RemoveAll(w.dir))
}

// lockIn makes a lock file in a directory and locks it; nil where files cannot be
// locked, and nobody takes the directory for stale.
func lockIn(dir string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, lockName), os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if !tryLock(f) { // nobody else knows of it yet
		return nil, f.Close()
	}
	return f, nil
}

func unlock(lock *os.File) error {
	if lock == nil {
		return nil
	}
	return lock.Close()
}

// removeStale deletes this user's directories of that prefix whose lock nobody
// holds. What cannot be deleted is left to whoever cleans the parent.
func removeStale(parent, prefix string) {
	paths, _ := filepath.Glob(filepath.Join(parent, prefix+"*"))
	for _, path := range paths {
		info, err := os.Lstat(path)
		if err != nil || !info.IsDir() || !owned(info) {
			continue
		}
		f, err := os.OpenFile(filepath.Join(path, lockName), os.O_RDWR, 0)
		if err != nil {
			continue
		}
		if tryLock(f) {
			_ = os.RemoveAll(path)
		}
		_ = f.Close()
	}
}
