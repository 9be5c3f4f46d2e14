package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/runnel-dev/runnel/runtime/store"
)

func tables(t *testing.T, s store.Store) {
	for _, table := range store.Tables() {
		if got := get(t, s, table, "t", "id"); got != missing {
			t.Errorf("%s: an empty store has %q", table, got)
		}
		// Bytes that an engine might take for the same text: order, space, doubles,
		// numbers, escapes.
		for _, value := range []string{`{"b":1, "a":2,"a":3,"n":1.0e2,"z":"\u0000\u00e9é"}`, "{}", "", "not JSON", "x"} {
			put(t, s, table, "t", "id", value)
			if got := get(t, s, table, "t", "id"); got != value {
				t.Errorf("%s: got %q, want %q", table, got, value)
			}
			if records := scan(t, s, table, "t", "", 2); len(records) != 1 || string(records[0].Value) != value || records[0].ID != "id" {
				t.Errorf("%s: Scan gives %q, want %q", table, records, value)
			}
		}
		for range 2 { // the second finds nothing
			update(t, s, "t", func(tx store.Tx) error { return tx.Delete(table, "t", "id") })
		}
		if got := get(t, s, table, "t", "id"); got != missing {
			t.Errorf("%s: after Delete it has %q", table, got)
		}
	}
	binary := make([]byte, 256)
	for i := range binary {
		binary[i] = byte(i)
	}
	put(t, s, store.Binaries, "t", "id", string(binary))
	if got := get(t, s, store.Binaries, "t", "id"); got != string(binary) {
		t.Errorf("of all bytes %q came back", got)
	}
}

// sorted are ids that engines might take for others, or sort in other ways.
func sorted() []string {
	ids := []string{
		"\x01", "\t", "\n", "\r\n", " ", "  ", "!", "\"", "$1", "%", "%%", "%a", "'", "''", "*", "-", "--", ".", "..", "/", "/a", "0", "00", "01", "1", "10", "2",
		";", "?", "A", "AA", "Aa", "B", "Z", "[", "\\", "\\\\", "\\n", "_", "__", "_a", "a", "a ", "a%", "a\x01", "a_b", "aXb", "aA", "aa", "aaa", "ab", "b",
		"null", "NULL", "z", "{}", "\x7f", "\u0080", "é", "e\u0301", "ß", "ss", "Ω", "\u2126", "ﬀ", "語", "\ue000", "\ufeff", "\ufffd", "\uffff", "\U00010000",
		"\U0001f600", "\U0010ffff", "\U0010ffff\U0010ffff", strings.Repeat("m", store.MaxIDBytes-1), strings.Repeat("m", store.MaxIDBytes),
		strings.Repeat("\U0010ffff", store.MaxIDBytes/4),
	}
	slices.Sort(ids)
	return ids
}

func ids(t *testing.T, s store.Store) {
	want := sorted()
	random := rand.New(rand.NewPCG(1, 2))
	update(t, s, "t", func(tx store.Tx) error {
		for _, i := range random.Perm(len(want)) {
			if err := tx.Put(store.Keys, "t", want[i], fmt.Append(nil, i)); err != nil {
				return fmt.Errorf("id %q: %w", want[i], err)
			}
		}
		return nil
	})
	records := scan(t, s, store.Keys, "t", "", len(want)+1)
	if got := idsOf(records); !slices.Equal(got, want) {
		t.Errorf("ids in order:\n%q, want\n%q", got, want)
	}
	view(t, s, func(tx store.Tx) error {
		for i, id := range want {
			if got, err := read(tx, store.Keys, "t", id); err != nil || got != fmt.Sprint(i) {
				t.Errorf("id %q has %q (%v), want %d", id, got, err, i)
			}
			after, err := tx.Scan(store.Keys, "t", id, 1)
			if err != nil {
				return err
			}
			if got := idsOf(after); !slices.Equal(got, want[i+1:min(i+2, len(want))]) {
				t.Errorf("after %q comes %q", id, got)
			}
		}
		return nil
	})
}

func pages(t *testing.T, s store.Store) {
	const n = 25
	update(t, s, "t", func(tx store.Tx) error {
		for i := range n {
			if err := tx.Put(store.Audit, "", fmt.Sprintf("%02d", i), nil); err != nil {
				return err
			}
		}
		return nil
	})
	var got []string
	after, calls := "", 0
	for {
		records := scan(t, s, store.Audit, "", after, 10)
		calls++
		got = append(got, idsOf(records)...)
		if len(records) < 10 {
			break
		}
		after = records[len(records)-1].ID
	}
	if len(got) != n || calls != 3 || !slices.IsSorted(got) {
		t.Errorf("%d calls gave %q", calls, got)
	}
	for after, want := range map[string]int{"09": 10, "09x": 10, "1": 10, "19": 5, "99": 0, "\U0010ffff": 0, "0": 10, strings.Repeat("0", 2*store.MaxIDBytes): 10} {
		if got := scan(t, s, store.Audit, "", after, 10); len(got) != want {
			t.Errorf("after %.20q there are %d records, want %d", after, len(got), want)
		}
	}
	for _, limit := range []int{0, -1} {
		if got := scan(t, s, store.Audit, "", "", limit); len(got) != 0 {
			t.Errorf("with limit %d there are %d records", limit, len(got))
		}
	}
}

func tenants(t *testing.T, s store.Store) {
	names := []string{"", "a", "a/", "a/b", "aa", "A", "a%", "a_", "b", "é", "/", "\U0010ffff", strings.Repeat("t", store.MaxIDBytes)}
	for _, table := range []store.Table{store.Modules, store.Binaries} {
		for _, tenant := range names {
			put(t, s, table, tenant, "id", tenant)
			put(t, s, table, tenant, "other", tenant)
		}
	}
	update(t, s, "a", func(tx store.Tx) error { return tx.DeleteAll(store.Modules, "a") })
	update(t, s, "b", func(tx store.Tx) error {
		return errors.Join(tx.Delete(store.Binaries, "b", "id"), tx.Delete(store.Binaries, "b", "other"))
	})
	withRecords(t, s, store.Modules, without(names, "a"))
	withRecords(t, s, store.Binaries, without(names, "b"))
	withRecords(t, s, store.Keys, nil)
	update(t, s, "b", func(tx store.Tx) error {
		return errors.Join(tx.Put(store.Binaries, "b", "id", []byte("b")), tx.Put(store.Binaries, "b", "other", []byte("b")))
	})
	for _, tenant := range names {
		for _, table := range []store.Table{store.Modules, store.Binaries} {
			want := 2
			if tenant == "a" && table == store.Modules {
				want = 0
			}
			records := scan(t, s, table, tenant, "", 10)
			if len(records) != want {
				t.Errorf("tenant %q has %d records in %s, want %d", tenant, len(records), table, want)
			}
			for _, r := range records {
				if string(r.Value) != tenant {
					t.Errorf("tenant %q has %q", tenant, r.Value)
				}
			}
		}
	}
	update(t, s, "a", func(tx store.Tx) error {
		if err := tx.DeleteAll(store.Modules, "nobody"); err != nil {
			return err
		}
		if err := tx.DeleteAll(store.Modules, "b"); err != nil {
			return err
		}
		return tx.Put(store.Modules, "b", "again", nil)
	})
	if got := idsOf(scan(t, s, store.Modules, "b", "", 10)); !slices.Equal(got, []string{"again"}) {
		t.Errorf("after DeleteAll and Put there is %q", got)
	}
}

func without(names []string, gone string) []string {
	left := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" || name == gone })
	slices.Sort(left)
	return left
}

// withRecords holds what Tenants gives, by pages of one and of all.
func withRecords(t *testing.T, s store.Store, table store.Table, want []string) {
	t.Helper()
	view(t, s, func(tx store.Tx) error {
		all, err := tx.Tenants(table, "", 100)
		if !slices.Equal(all, want) {
			t.Errorf("tenants with %s: %q, want %q", table, all, want)
		}
		for i, after := range want {
			next, err := tx.Tenants(table, after, 1)
			if err != nil || !slices.Equal(next, want[i+1:min(i+2, len(want))]) {
				t.Errorf("after %q comes %q (%v)", after, next, err)
			}
		}
		for _, limit := range []int{0, -1} {
			if none, err := tx.Tenants(table, "", limit); err != nil || len(none) > 0 {
				t.Errorf("with limit %d: %q, %v", limit, none, err)
			}
		}
		if _, err := tx.Tenants(table, "\xff", 1); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("after an id that is no text: %v", err)
		}
		return err
	})
}

func bounds(t *testing.T, s store.Store) {
	long := strings.Repeat("i", store.MaxIDBytes)
	update(t, s, "", func(tx store.Tx) error { return tx.Put(store.Keys, long, long, []byte("kept")) })
	if got := get(t, s, store.Keys, long, long); got != "kept" {
		t.Errorf("the longest ids have %q", got)
	}
	for _, bad := range []struct{ tenant, id string }{
		{"t", ""}, {"t", long + "i"}, {"t", "\xff"}, {"t", "a\x80"}, {"t", "\xed\xa0\x80"}, {"t", "a\x00"}, {long + "i", "i"}, {"\xff", "i"}, {"\x00", "i"},
	} {
		update(t, s, "", func(tx store.Tx) error {
			_, err := tx.Get(store.Keys, bad.tenant, bad.id)
			errs := []error{err, tx.Put(store.Keys, bad.tenant, bad.id, nil), tx.Delete(store.Keys, bad.tenant, bad.id)}
			if bad.tenant != "t" {
				_, err := tx.Scan(store.Keys, bad.tenant, "", 1)
				errs = append(errs, err, tx.DeleteAll(store.Keys, bad.tenant))
			} else if bad.id != "" && len(bad.id) <= store.MaxIDBytes {
				_, err := tx.Scan(store.Keys, "t", bad.id, 1)
				errs = append(errs, err)
			}
			for i, err := range errs {
				if !errors.Is(err, store.ErrInvalid) {
					t.Errorf("tenant %.10q, id %.10q: call %d gives %v", bad.tenant, bad.id, i, err)
				}
			}
			return nil // the refusals have done no harm to the transaction
		})
	}
	for _, value := range []string{"\xff", "a\x00b"} {
		err := s.Update(t.Context(), "", func(tx store.Tx) error { return tx.Put(store.Settings, "", "id", []byte(value)) })
		if !errors.Is(err, store.ErrInvalid) {
			t.Errorf("the value %q outside of binaries: %v", value, err)
		}
	}
	large := make([]byte, store.MaxValueBytes+1)
	for i := range large {
		large[i] = byte(i * 7 >> 8)
	}
	err := s.Update(t.Context(), "", func(tx store.Tx) error { return tx.Put(store.Binaries, "t", "large", large) })
	if !errors.Is(err, store.ErrInvalid) {
		t.Errorf("a value over the limit: %v", err)
	}
	large = large[:store.MaxValueBytes]
	update(t, s, "", func(tx store.Tx) error { return tx.Put(store.Binaries, "t", "large", large) })
	view(t, s, func(tx store.Tx) error {
		got, err := tx.Get(store.Binaries, "t", "large")
		if !bytes.Equal(got, large) {
			t.Errorf("%d of %d bytes came back, and not those that were put", len(got), len(large))
		}
		return err
	})
}

func owned(t *testing.T, s store.Store) {
	update(t, s, "", func(tx store.Tx) error {
		value := []byte("value")
		if err := tx.Put(store.Keys, "t", "id", value); err != nil {
			return err
		}
		copy(value, "wrong")
		got, err := tx.Get(store.Keys, "t", "id")
		if string(got) != "value" {
			t.Errorf("in the transaction: %q", got)
		}
		copy(got, "wrong")
		return err
	})
	for range 2 {
		view(t, s, func(tx store.Tx) error {
			got, err := tx.Get(store.Keys, "t", "id")
			if err != nil {
				return err
			}
			records, err := tx.Scan(store.Keys, "t", "", 1)
			if err != nil {
				return err
			}
			for _, value := range [][]byte{got, records[0].Value} {
				if string(value) != "value" {
					t.Errorf("got %q", value)
				}
				copy(value, "wrong")
				_ = append(value, "more"...)
			}
			return nil
		})
	}
}
