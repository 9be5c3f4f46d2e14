package tenant_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/tenant"
	"github.com/runnel-dev/runnel/runtime/tenant/tenanttest"
)

func TestDirectory(t *testing.T) {
	d := tenanttest.Directory()
	create := func(id string, s tenant.Settings) (*tenant.Tenant, error) { return d.Create(t.Context(), id, s) }
	b, err := create("b", tenant.DefaultSettings())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := create("b", tenant.DefaultSettings()); !errors.Is(err, tenant.ErrExists) {
		t.Errorf("second Create: %v", err)
	}
	for _, id := range []string{"", "B", strings.Repeat("a", 64)} {
		if _, err := create(id, tenant.DefaultSettings()); !errors.Is(err, tenant.ErrInvalidName) {
			t.Errorf("Create(%q): %v", id, err)
		}
	}
	var limits *tenant.LimitsError
	if _, err := create("c", tenant.Settings{}); !errors.As(err, &limits) {
		t.Errorf("Create without limits: %v", err)
	}
	if _, err := create("a", tenant.DefaultSettings()); err != nil {
		t.Fatal(err)
	}
	if got, ok := d.Get("b"); !ok || got != b || got.ID() != "b" || got.Created().IsZero() || !got.Introspection() || got.Debug() {
		t.Errorf("Get: %v, %t", got, ok)
	}
	for _, id := range []string{"", "c", "B", "b "} {
		if got, ok := d.Get(id); ok || got != nil {
			t.Errorf("Get(%q) finds %v", id, got)
		}
	}
	if list := d.List(); len(list) != 2 || list[0].ID() != "a" || list[1] != b {
		t.Errorf("List: %v", list)
	}
}

func TestDelete(t *testing.T) {
	s := memory.New()
	d := tenant.NewDirectory(s)
	old := tenanttest.Create(t, d, "a")
	tenanttest.Create(t, d, "b")
	for _, table := range store.OfTenant() {
		for _, id := range []string{"a", "b"} {
			if err := s.Update(t.Context(), id, func(tx store.Tx) error { return tx.Put(table, id, "x", []byte("{}")) }); err != nil {
				t.Fatal(err)
			}
		}
	}
	select {
	case <-old.Gone():
		t.Error("gone before Delete")
	default:
	}
	if err := d.Delete(t.Context(), old, nil); err != nil {
		t.Error(err)
	}
	<-old.Gone()
	for _, table := range store.OfTenant() {
		left := map[string]int{}
		if err := s.View(t.Context(), func(tx store.Tx) error {
			for _, id := range []string{"a", "b"} {
				records, err := tx.Scan(table, id, "", 10)
				if err != nil {
					return err
				}
				left[id] = len(records)
			}
			return nil
		}); err != nil || left["a"] != 0 || left["b"] != 1 {
			t.Errorf("%s after the deletion: %v, %v", table, left, err)
		}
	}
	if err := d.Delete(t.Context(), old, nil); !errors.Is(err, tenant.ErrUnknown) {
		t.Errorf("second Delete: %v", err)
	}
	again := tenanttest.Create(t, d, "a")
	if again == old || again.Incarnation() == old.Incarnation() {
		t.Error("created again, it is the same")
	}
	for what, err := range map[string]error{
		"Delete": d.Delete(t.Context(), old, nil),
		"Change": d.Change(t.Context(), old, func(*tenant.Settings) error { return nil }),
		"Exists": s.View(t.Context(), old.Exists),
	} {
		if !errors.Is(err, tenant.ErrUnknown) {
			t.Errorf("%s of the one before: %v", what, err)
		}
	}
	if got, ok := d.Get("a"); !ok || got != again {
		t.Error("a Delete of the one before took the new one")
	}
}

func TestChange(t *testing.T) {
	d := tenanttest.Directory()
	x := tenanttest.Create(t, d, "a")
	refused := errors.New("refused")
	for _, change := range []func(*tenant.Settings) error{
		func(s *tenant.Settings) error { s.Limits = tenant.Limits{}; return nil },
		func(s *tenant.Settings) error { s.Debug = true; return refused },
	} {
		err := d.Change(t.Context(), x, change)
		var limits *tenant.LimitsError
		if !errors.Is(err, refused) && !errors.As(err, &limits) {
			t.Errorf("Change: %v", err)
		}
	}
	if x.Settings() != tenant.DefaultSettings() {
		t.Errorf("a refused change changed something: %+v", x.Settings())
	}
	var wg sync.WaitGroup
	for _, change := range []func(*tenant.Settings){
		func(s *tenant.Settings) { s.Limits.Modules = 7 },
		func(s *tenant.Settings) { s.Limits.Versions = 8 },
		func(s *tenant.Settings) { s.Introspection = false },
		func(s *tenant.Settings) { s.Debug = true },
	} {
		wg.Go(func() {
			if err := d.Change(t.Context(), x, func(s *tenant.Settings) error { change(s); return nil }); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	want := tenant.DefaultSettings()
	want.Limits.Modules, want.Limits.Versions, want.Introspection, want.Debug = 7, 8, false, true
	if x.Settings() != want {
		t.Errorf("of several changes at once one is lost: %+v", x.Settings())
	}
}

// TestRefresh has two directories on one store, as two nodes have.
func TestRefresh(t *testing.T) {
	s := memory.New()
	here, there := tenant.NewDirectory(s), tenant.NewDirectory(s)
	refresh := func() (now, gone *tenant.Tenant) {
		t.Helper()
		now, gone, err := here.Refresh(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		return now, gone
	}
	if now, gone := refresh(); now != nil || gone != nil {
		t.Errorf("of a tenant that nobody made: %v, %v", now, gone)
	}
	theirs := tenanttest.Create(t, there, "a")
	ours, gone := refresh()
	if ours == nil || gone != nil || ours.Incarnation() != theirs.Incarnation() || !ours.Created().Equal(theirs.Created()) || ours.Settings() != theirs.Settings() {
		t.Fatalf("made there: %+v, %v", ours, gone)
	}
	tenanttest.MergeLimits(t, there, theirs, `{"modules":3}`)
	if now, gone := refresh(); now != ours || gone != nil || ours.Limits().Modules != 3 {
		t.Errorf("changed there: %v, %v, %d modules", now, gone, ours.Limits().Modules)
	}
	if err := there.Delete(t.Context(), theirs, nil); err != nil {
		t.Fatal(err)
	}
	tenanttest.Create(t, there, "a")
	again, gone := refresh()
	if gone != ours || again == nil || again == ours {
		t.Errorf("deleted and made again there: %v, %v", again, gone)
	}
	<-ours.Gone()
	if err := here.Delete(t.Context(), again, nil); err != nil {
		t.Fatal(err)
	}
	if now, gone := refresh(); now != nil || gone != nil {
		t.Errorf("deleted here: %v, %v", now, gone)
	}
}

func TestIDs(t *testing.T) {
	s := memory.New()
	here, there := tenant.NewDirectory(s), tenant.NewDirectory(s)
	var want []string
	for i := range 2100 {
		want = append(want, "t"+strconv.Itoa(i))
		tenanttest.Create(t, there, want[i])
	}
	if _, _, err := here.Refresh(t.Context(), "t7"); err != nil {
		t.Fatal(err)
	}
	x, _ := there.Get("t7")
	if err := there.Delete(t.Context(), x, nil); err != nil {
		t.Fatal(err)
	}
	slices.Sort(want)
	ids, err := here.IDs(t.Context())
	if err != nil || !slices.Equal(ids, want) {
		t.Errorf("%d ids, %v; want %d, with the one that is gone in the store alone", len(ids), err, len(want))
	}
}

// TestRecordsOfOtherVersions holds that a tenant survives what this version of the
// server does not have or allow, and that it survives this version.
func TestRecordsOfOtherVersions(t *testing.T) {
	s := memory.New()
	d := tenant.NewDirectory(s)
	tenanttest.Create(t, d, "a")
	put := func(record string) {
		t.Helper()
		if err := s.Update(context.Background(), "a", func(tx store.Tx) error { return tx.Put(store.Tenants, "", "a", []byte(record)) }); err != nil {
			t.Fatal(err)
		}
	}
	put(`{"incarnation":"x","created":"2026-01-02T03:04:05Z","introspection":true,"limits":{"noSuchLimit":1,"versions":0,"modules":1000000,"queryDepth":7}}`)
	now, _, err := d.Refresh(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	want := tenant.DefaultLimits()
	want.Versions, want.Modules, want.QueryDepth = 3, 1000, 7
	if now.Limits() != want {
		t.Errorf("limits %+v", now.Limits())
	}

	// A change by this version takes nothing from the others.
	const auth = `{"mode":"of a later version","algorithm":"X"}`
	put(`{"incarnation":"x","created":"2026-01-02T03:04:05Z","plan":"gold","limits":{"noSuchLimit":1,"modules":1000000,"queryDepth":7,"keys":9},"auth":` + auth + `}`)
	if err := d.Change(t.Context(), now, func(s *tenant.Settings) error {
		s.Limits.QueryDepth, s.Limits.Versions, s.Debug = 8, 4, true
		s.Limits.Keys = tenant.DefaultLimits().Keys
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	const kept = `{"auth":` + auth + `,"created":"2026-01-02T03:04:05Z","debug":true,"incarnation":"x","introspection":false,` +
		`"limits":{"modules":1000000,"noSuchLimit":1,"queryDepth":8,"versions":4},"plan":"gold"}`
	if got := read(t, s, "a"); got != kept {
		t.Errorf("the record is\n%s, want\n%s", got, kept)
	}
	if err := d.Change(t.Context(), now, func(s *tenant.Settings) error { a := tenant.DefaultAuth(); s.Auth = &a; return nil }); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, "a"); strings.Contains(got, "later version") || !strings.Contains(got, `"plan":"gold"`) {
		t.Errorf("with other settings of who may subscribe the record is %s", got)
	}

	put(`{"incarnation":`)
	var syntax *json.SyntaxError
	if _, _, err := d.Refresh(t.Context(), "a"); !errors.As(err, &syntax) || !strings.Contains(err.Error(), "tenant a") {
		t.Errorf("a damaged record: %v", err)
	}
	if got, ok := d.Get("a"); !ok || got != now {
		t.Error("a damaged record took the tenant away")
	}
}

// TestForeignIDs has the store, as a backup from elsewhere may leave it, hold what
// can be no tenant.
func TestForeignIDs(t *testing.T) {
	s := memory.New()
	d := tenant.NewDirectory(s)
	tenanttest.Create(t, d, "a")
	for _, id := range []string{"A", "a/b", "..", "a b", strings.Repeat("a", 64)} {
		if err := s.Update(t.Context(), "", func(tx store.Tx) error { return tx.Put(store.Tenants, "", id, []byte(read(t, s, "a"))) }); err != nil {
			t.Fatal(err)
		}
		if now, gone, err := d.Refresh(t.Context(), id); now != nil || gone != nil || err != nil {
			t.Errorf("Refresh(%q): %v, %v, %v", id, now, gone, err)
		}
		if _, err := d.Find(id); !errors.Is(err, tenant.ErrUnknown) {
			t.Errorf("Find(%q): %v", id, err)
		}
	}
}

func read(t *testing.T, s store.Store, id string) (record string) {
	t.Helper()
	err := s.View(t.Context(), func(tx store.Tx) error {
		text, err := tx.Get(store.Tenants, "", id)
		record = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// TestCreateReplaces has a node give an id away anew that another node has freed,
// before it has heard of that.
func TestCreateReplaces(t *testing.T) {
	s := memory.New()
	here, there := tenant.NewDirectory(s), tenant.NewDirectory(s)
	old := tenanttest.Create(t, here, "a")
	theirs, _, err := there.Refresh(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	if err := there.Delete(t.Context(), theirs, nil); err != nil {
		t.Fatal(err)
	}
	fresh := tenanttest.Create(t, here, "a")
	select {
	case <-old.Gone():
	default:
		t.Error("the tenant that was deleted there is not gone")
	}
	if now, gone, err := here.Refresh(t.Context(), "a"); now != fresh || gone != nil || err != nil {
		t.Errorf("%v, %v, %v", now, gone, err)
	}
	if taken := here.TakeReplaced(); len(taken) != 1 || taken[0] != old {
		t.Errorf("%v were replaced, want the tenant of before: nobody else would forget it", taken)
	}
	if taken := here.TakeReplaced(); taken != nil {
		t.Errorf("%v were taken twice", taken)
	}
}

// failing is a store whose views fail while err is set.
type failing struct {
	store.Store
	err error
}

func (s *failing) View(ctx context.Context, read func(store.Tx) error) error {
	if s.err != nil {
		return s.err
	}
	return s.Store.View(ctx, read)
}

// TestUnread has the store fail while a directory is filled.
func TestUnread(t *testing.T) {
	kept := memory.New()
	tenanttest.Create(t, tenant.NewDirectory(kept), "a")
	s := &failing{kept, errors.New("the disk is away")}
	d := tenant.NewDirectory(s)
	refresh := func(id string) {
		t.Helper()
		if _, _, err := d.Refresh(t.Context(), id); !errors.Is(err, s.err) {
			t.Errorf("Refresh(%q): %v, want %v", id, err, s.err)
		}
	}
	want := func(id string, want error) {
		t.Helper()
		if found, err := d.Find(id); !errors.Is(err, want) || (found == nil) != (want != nil) {
			t.Errorf("Find(%q): %v, %v, want %v", id, found, err, want)
		}
	}
	want("a", tenant.ErrUnknown)
	refresh("a")
	refresh("b")
	want("a", tenant.ErrUnread)
	want("b", tenant.ErrUnread)
	want("c", tenant.ErrUnknown)
	s.err = nil
	refresh("a")
	refresh("b")
	want("a", nil)
	want("b", tenant.ErrUnknown)
	s.err = errors.New("the disk is away again")
	refresh("a")
	want("a", nil) // as it was
}
