package admin_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/admin"
	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

func TestBackup(t *testing.T) {
	s := newStage(t)
	w := s.do("GET", "/v1/backup", "", "")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment; filename=") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	restored := memory.New()
	if _, err := store.Restore(t.Context(), restored, w.Body); err != nil {
		t.Fatal(err)
	}
	err := restored.View(t.Context(), func(tx store.Tx) error {
		_, err := tx.Get(store.Tenants, "", "acme")
		return err
	})
	if err != nil {
		t.Errorf("the tenant: %v", err)
	}
	if w := s.do("HEAD", "/v1/backup", "", ""); w.Code != http.StatusOK || w.Body.Len() > 0 {
		t.Errorf("HEAD: %d %s", w.Code, w.Body)
	}
	s.wantProblem(s.do("POST", "/v1/backup", "", ""), http.StatusMethodNotAllowed, abi.CodeBadUserInput, "GET")
}

// scripted is a store whose binaries are read by a test.
type scripted struct {
	store.Store
	scan func() error
}

func (s *scripted) View(ctx context.Context, read func(store.Tx) error) error {
	return s.Store.View(ctx, func(tx store.Tx) error { return read(&scriptedTx{tx, s.scan}) })
}

type scriptedTx struct {
	store.Tx
	scan func() error
}

func (tx *scriptedTx) Scan(table store.Table, tenant, after string, limit int) ([]store.Record, error) {
	if table == store.Binaries {
		if err := tx.scan(); err != nil {
			return nil, err
		}
	}
	return tx.Tx.Scan(table, tenant, after, limit)
}

// serveStore serves /v1/backup of a store over a real connection.
func serveStore(t *testing.T, scan func() error) (url string) {
	t.Helper()
	kept := memory.New()
	err := kept.Update(t.Context(), "", func(tx store.Tx) error {
		return tx.Put(store.Modules, "t", "m", bytes.Repeat([]byte("x"), 1<<20))
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(admin.New(admin.Config{Store: &scripted{kept, scan}, Tenants: tenant.NewDirectory(kept), Dev: true}))
	t.Cleanup(server.Close)
	return server.URL + "/v1/backup"
}

// ask returns the status, what came of the body, and why it ended early.
func ask(url string) (int, []byte, error) {
	response, err := http.Get(url)
	if err != nil {
		return 0, nil, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

// TestBackupBreaksOff fails in the middle: the client must not take it for whole.
func TestBackupBreaksOff(t *testing.T) {
	url := serveStore(t, func() error { return errors.New("the disk is gone") })
	status, body, err := ask(url)
	if status != http.StatusOK || len(body) < 1<<20 {
		t.Fatalf("%d with %d bytes: the test is of no use", status, len(body))
	}
	if err == nil {
		t.Error("the answer ends as if it were whole")
	}
	if _, err := store.Verify(bytes.NewReader(body)); !errors.Is(err, store.ErrDamaged) || bytes.Contains(body, []byte("disk")) {
		t.Errorf("Verify: %v", err)
	}
	if _, body, err := ask(strings.TrimSuffix(url, "backup") + "audit"); err != nil || !bytes.Contains(body, []byte(`"action":"GET /v1/backup"`)) {
		t.Errorf("the audit log does not know of it: %s, %v", body, err)
	}
}

// TestOneBackup has another asked for while one is under way.
func TestOneBackup(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	var first sync.Once
	url := serveStore(t, func() error {
		first.Do(func() {
			close(started)
			<-release
		})
		return nil
	})
	done := make(chan error, 1)
	go func() {
		_, body, err := ask(url)
		if err == nil {
			_, err = store.Verify(bytes.NewReader(body))
		}
		done <- err
	}()
	<-started
	if status, body, _ := ask(url); status != http.StatusTooManyRequests || !bytes.Contains(body, []byte("sending a backup already")) {
		t.Errorf("the second: %d %s", status, body)
	}
	close(release)
	if err := <-done; err != nil {
		t.Errorf("the first: %v", err)
	}
	if status, _, err := ask(url); status != http.StatusOK || err != nil {
		t.Errorf("the next: %d, %v", status, err)
	}
}
