package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/runnel-dev/runnel/runtime/store"
)

var errRefused = errors.New("refused by the test")

func atomic(t *testing.T, s store.Store) {
	put(t, s, store.Keys, "t", "old", "old")
	put(t, s, store.Modules, "t", "m", "old")
	change := func(tx store.Tx) error {
		return errors.Join(
			tx.Put(store.Keys, "t", "old", []byte("new")),
			tx.Put(store.Keys, "t", "new", []byte("new")),
			tx.Put(store.Keys, "other", "new", []byte("new")),
			tx.DeleteAll(store.Modules, "t"),
			tx.Put(store.Binaries, "t", "b", make([]byte, 1<<20)),
			tx.Delete(store.Keys, "t", "old"),
		)
	}
	check := func(how string) {
		t.Helper()
		for _, want := range []struct {
			table             store.Table
			tenant, id, value string
		}{
			{store.Keys, "t", "old", "old"},
			{store.Keys, "t", "new", missing},
			{store.Keys, "other", "new", missing},
			{store.Modules, "t", "m", "old"},
			{store.Binaries, "t", "b", missing},
		} {
			if got := get(t, s, want.table, want.tenant, want.id); got != want.value {
				t.Errorf("%s: %s %s has %.20q, want %q", how, want.table, want.id, got, want.value)
			}
		}
	}
	err := s.Update(t.Context(), "t", func(tx store.Tx) error {
		return errors.Join(change(tx), errRefused)
	})
	if !errors.Is(err, errRefused) {
		t.Errorf("Update gives %v, want the error of its function", err)
	}
	check("after an error")
	func() {
		defer func() {
			if got := recover(); got != "by the test" {
				t.Errorf("recovered %v", got)
			}
		}()
		_ = s.Update(t.Context(), "t", func(tx store.Tx) error {
			if err := change(tx); err != nil {
				t.Error(err)
			}
			panic("by the test")
		})
	}()
	check("after a panic")
	if err := s.View(t.Context(), func(store.Tx) error { return errRefused }); !errors.Is(err, errRefused) {
		t.Errorf("View gives %v, want the error of its function", err)
	}
	update(t, s, "t", change)
	if got := get(t, s, store.Keys, "t", "new"); got != "new" {
		t.Errorf("afterwards: %q", got)
	}
}

func readsOwn(t *testing.T, s store.Store) {
	put(t, s, store.Keys, "t", "b", "old")
	update(t, s, "t", func(tx store.Tx) error {
		if err := errors.Join(
			tx.Put(store.Keys, "t", "a", []byte("1")),
			tx.Put(store.Keys, "t", "b", []byte("2")),
			tx.Put(store.Keys, "t", "c", nil),
			tx.Put(store.Keys, "t", "d", []byte("4")),
			tx.Delete(store.Keys, "t", "d"),
		); err != nil {
			return err
		}
		for id, want := range map[string]string{"a": "1", "b": "2", "c": "", "d": missing} {
			if got, err := read(tx, store.Keys, "t", id); err != nil || got != want {
				t.Errorf("%s has %q (%v), want %q", id, got, err, want)
			}
		}
		if records, err := tx.Scan(store.Keys, "t", "", 10); err != nil || fmt.Sprint(idsOf(records)) != "[a b c]" {
			t.Errorf("Scan: %q, %v", records, err)
		}
		if err := tx.DeleteAll(store.Keys, "t"); err != nil {
			return err
		}
		if records, err := tx.Scan(store.Keys, "t", "", 10); err != nil || len(records) != 0 {
			t.Errorf("Scan after DeleteAll: %q, %v", records, err)
		}
		return tx.Put(store.Keys, "t", "e", nil)
	})
	if got := fmt.Sprint(idsOf(scan(t, s, store.Keys, "t", "", 10))); got != "[e]" {
		t.Errorf("after the commit: %s", got)
	}
}

func readOnly(t *testing.T, s store.Store) {
	put(t, s, store.Keys, "t", "id", "value")
	view(t, s, func(tx store.Tx) error {
		for i, err := range []error{
			tx.Put(store.Keys, "t", "id", nil), tx.Put(store.Keys, "new", "id", nil),
			tx.Delete(store.Keys, "t", "id"), tx.Delete(store.Keys, "t", "none"),
			tx.DeleteAll(store.Keys, "t"), tx.DeleteAll(store.Keys, "none"),
		} {
			if !errors.Is(err, store.ErrReadOnly) {
				t.Errorf("write %d: %v", i, err)
			}
		}
		got, err := read(tx, store.Keys, "t", "id")
		if got != "value" {
			t.Errorf("then it reads %q", got)
		}
		return err
	})
	if got := get(t, s, store.Keys, "t", "id"); got != "value" {
		t.Errorf("afterwards: %q", got)
	}
}

// snapshot updates while a view is open, by so much that a file must grow.
func snapshot(t *testing.T, s store.Store) {
	const size = 4 << 20
	put(t, s, store.Binaries, "t", "b", "old")
	put(t, s, store.Keys, "t", "deleted", "old")
	view(t, s, func(tx store.Tx) error {
		check := func(when string) error {
			if got, err := read(tx, store.Binaries, "t", "b"); err != nil || got != "old" {
				t.Errorf("%s: %.20q, %v", when, got, err)
			}
			if got, err := read(tx, store.Keys, "t", "added"); err != nil || got != missing {
				t.Errorf("%s it sees what was added: %.20q, %v", when, got, err)
			}
			records, err := tx.Scan(store.Keys, "t", "", 10)
			if fmt.Sprint(idsOf(records)) != "[deleted]" {
				t.Errorf("%s it scans %q", when, records)
			}
			return err
		}
		if err := check("before"); err != nil {
			return err
		}
		changed := make(chan error, 1)
		go func() {
			var err error
			for i := range 4 {
				err = errors.Join(err, s.Update(t.Context(), "t", func(tx store.Tx) error {
					return errors.Join(
						tx.Put(store.Binaries, "t", "b", make([]byte, size<<i)),
						tx.Put(store.Keys, "t", "added", []byte("new")),
						tx.Delete(store.Keys, "t", "deleted"),
					)
				}))
			}
			changed <- err
		}()
		select {
		case err := <-changed:
			if err != nil {
				return err
			}
		case <-time.After(time.Minute):
			return errors.New("updates wait for a view")
		}
		return check("after")
	})
	if got := len(get(t, s, store.Binaries, "t", "b")); got != size<<3 {
		t.Errorf("a new view sees %d bytes", got)
	}
}

func ended(t *testing.T, s store.Store) {
	before, cancel := context.WithCancel(t.Context())
	cancel()
	called := func(store.Tx) error {
		t.Error("the function is called though the context has ended")
		return nil
	}
	if err := s.View(before, called); !errors.Is(err, context.Canceled) {
		t.Errorf("View: %v", err)
	}
	if err := s.Update(before, "t", called); !errors.Is(err, context.Canceled) {
		t.Errorf("Update: %v", err)
	}
	during, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := s.Update(during, "t", func(tx store.Tx) error {
		err := tx.Put(store.Keys, "t", "id", []byte("half"))
		cancel()
		return err
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Update whose context ends meanwhile: %v", err)
	}
	if got := get(t, s, store.Keys, "t", "id"); got != missing {
		t.Errorf("it has kept %q", got)
	}
	put(t, s, store.Keys, "t", "id", "whole")
}

func closing(t *testing.T, s store.Store) {
	started, release := make(chan struct{}), make(chan struct{})
	updated, closed := make(chan error, 1), make(chan error, 1)
	go func() {
		updated <- s.Update(t.Context(), "t", func(tx store.Tx) error {
			close(started)
			<-release
			return tx.Put(store.Keys, "t", "id", nil)
		})
	}()
	<-started
	go func() { closed <- s.Close() }()
	select {
	case err := <-closed:
		t.Errorf("Close does not wait for an update: %v", err)
		closed <- err
	case <-time.After(20 * time.Millisecond):
	}
	close(release)
	if err := <-updated; err != nil {
		t.Errorf("an update that began before Close: %v", err)
	}
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("the second Close: %v", err)
	}
	nothing := func(store.Tx) error { return nil }
	for i, err := range []error{
		s.View(t.Context(), nothing),
		s.Update(t.Context(), "t", nothing),
		s.Watch(t.Context(), func() {}, func(string) {}),
	} {
		if !errors.Is(err, store.ErrClosed) {
			t.Errorf("call %d after Close: %v", i, err)
		}
	}
}
