package store_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/runnel-dev/runnel/runtime/store"
	"github.com/runnel-dev/runnel/runtime/store/bolt"
	"github.com/runnel-dev/runnel/runtime/store/memory"
	"github.com/runnel-dev/runnel/runtime/store/postgres"
	"github.com/runnel-dev/runnel/runtime/store/postgres/postgrestest"
)

func TestMain(m *testing.M) { os.Exit(postgrestest.Run(m)) }

func openBolt(t *testing.T) store.Store {
	t.Helper()
	s, err := bolt.Open(filepath.Join(t.TempDir(), "runnel.db"))
	return opened(t, s, err)
}

func openPostgres(t *testing.T) store.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), postgrestest.Database(t), nil)
	return opened(t, s, err)
}

func opened(t *testing.T, s store.Store, err error) store.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func update(t testing.TB, s store.Store, change func(store.Tx) error) {
	t.Helper()
	if err := s.Update(t.Context(), "", change); err != nil {
		t.Fatal(err)
	}
}

// small puts a few records of all kinds.
func small(t testing.TB, s store.Store) {
	t.Helper()
	update(t, s, func(tx store.Tx) error {
		var err error
		for i, table := range store.Tables() {
			for _, tenant := range []string{"", "a", "é"} {
				for n := range i % 3 {
					err = errors.Join(err, tx.Put(table, tenant, fmt.Sprint("id", n), []byte(`{"a":1}`)[:7*(n%2)]))
				}
			}
		}
		return err
	})
}

// contents returns all that there is.
func contents(t testing.TB, s store.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := s.View(context.WithoutCancel(t.Context()), func(tx store.Tx) error {
		for _, table := range store.Tables() {
			tenants, err := tx.Tenants(table, "", 10000)
			if err != nil {
				return err
			}
			for _, tenant := range append(tenants, "") {
				records, err := tx.Scan(table, tenant, "", 100000)
				if err != nil {
					return err
				}
				for _, r := range records {
					all[fmt.Sprintf("%s %q %q", table, tenant, r.ID)] = string(r.Value)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func backup(t testing.TB, s store.Store) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := store.Backup(t.Context(), s, &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func restore(t testing.TB, s store.Store, stream []byte) {
	t.Helper()
	size, err := store.Restore(t.Context(), s, bytes.NewReader(stream))
	if err != nil {
		t.Fatal(err)
	}
	if size.Bytes != int64(len(stream)) || size.Records != uint64(len(contents(t, s))) {
		t.Errorf("restored %+v of %d bytes and %d records", size, len(stream), len(contents(t, s)))
	}
}

// TestBackup goes from engine to engine and comes back equal.
func TestBackup(t *testing.T) {
	first := openBolt(t)
	small(t, first)
	binary := make([]byte, 20<<20)
	for i := range binary {
		binary[i] = byte(i * i >> 10)
	}
	update(t, first, func(tx store.Tx) error {
		err := errors.Join(tx.Put(store.Binaries, "large", "a", binary), tx.Put(store.Binaries, "large", "b", binary[:9<<20]))
		for i := range 2500 { // more than a page, and than a transaction
			err = errors.Join(err, tx.Put(store.Audit, "", fmt.Sprintf("%08d", i), []byte("{}")), tx.Put(store.Keys, fmt.Sprint("t", i), "k", nil))
		}
		return err
	})
	stream := backup(t, first)
	want := contents(t, first)
	for _, s := range []store.Store{openPostgres(t), memory.New(), openBolt(t)} {
		restore(t, s, stream)
		if got := contents(t, s); !maps.Equal(got, want) {
			t.Errorf("%T: %d records came back of %d, or others", s, len(got), len(want))
		}
		if again := backup(t, s); !bytes.Equal(again, stream) {
			t.Errorf("%T: its backup has %d bytes, or others, of %d", s, len(again), len(stream))
		}
		_, err := store.Restore(t.Context(), s, bytes.NewReader(stream))
		if !errors.Is(err, store.ErrNotEmpty) {
			t.Errorf("%T: a second restore: %v", s, err)
		}
		if got := contents(t, s); !maps.Equal(got, want) {
			t.Errorf("%T: a refused restore changes the store", s)
		}
	}
	empty := backup(t, memory.New())
	s := openBolt(t)
	restore(t, s, empty)
	if got := contents(t, s); len(got) != 0 {
		t.Errorf("of nothing came %v", got)
	}
}

// TestBackupUnderWrites backs up while all is changed, pair by pair: a backup that
// is of no one moment has halves of them.
func TestBackupUnderWrites(t *testing.T) {
	for name, open := range map[string]func(*testing.T) store.Store{"bolt": openBolt, "postgres": openPostgres, "memory": func(*testing.T) store.Store { return memory.New() }} {
		t.Run(name, func(t *testing.T) {
			s := open(t)
			const pairs = 300
			change := func(n, value int) error {
				id, text := fmt.Sprintf("%04d", n), fmt.Append(nil, value)
				return s.Update(t.Context(), id, func(tx store.Tx) error {
					return errors.Join(tx.Put(store.Tenants, "", id, text), tx.Put(store.Settings, id, id, text))
				})
			}
			for n := range pairs {
				if err := change(n, 0); err != nil {
					t.Fatal(err)
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			var writers sync.WaitGroup
			for w := range 2 {
				writers.Go(func() {
					for value := 1; ctx.Err() == nil; value++ {
						// From the end to the start: a backup reads the other way.
						if err := change((pairs*value+w-value)%pairs, value); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			for range 5 {
				restored := memory.New()
				restore(t, restored, backup(t, s))
				all := contents(t, restored)
				if len(all) != 2*pairs {
					t.Errorf("%d records", len(all))
				}
				for n := range pairs {
					a, b := all[fmt.Sprintf(`tenants "" "%04d"`, n)], all[fmt.Sprintf(`settings "%04d" "%04d"`, n, n)]
					if a != b || a == "" {
						t.Errorf("pair %d is %q and %q", n, a, b)
					}
				}
			}
			cancel()
			writers.Wait()
		})
	}
}

// TestDamage changes each byte of a backup, cuts it at each, and adds one: it is
// refused, and leaves the store empty.
func TestDamage(t *testing.T) {
	s := memory.New()
	small(t, s)
	whole := backup(t, s)
	refused := func(what string, stream []byte) {
		t.Helper()
		if _, err := store.Verify(bytes.NewReader(stream)); err == nil {
			t.Errorf("%s: Verify finds nothing", what)
		}
		target := memory.New()
		if _, err := store.Restore(t.Context(), target, bytes.NewReader(stream)); err == nil {
			t.Errorf("%s: it is restored", what)
		}
		if got := contents(t, target); len(got) > 0 {
			t.Errorf("%s: %d records stay", what, len(got))
		}
	}
	for i := range whole {
		for _, change := range []byte{1, 0x80, 0xff, whole[i] ^ 'e', whole[i]} {
			if change == 0 {
				continue
			}
			damaged := bytes.Clone(whole)
			damaged[i] ^= change
			refused(fmt.Sprintf("byte %d changed by %#x", i, change), damaged)
		}
		refused(fmt.Sprintf("cut after %d bytes", i), whole[:i])
		refused(fmt.Sprintf("without byte %d", i), append(bytes.Clone(whole[:i]), whole[i+1:]...))
	}
	refused("a byte more", append(bytes.Clone(whole), 0))
	refused("twice", append(bytes.Clone(whole), whole...))
	if size, err := store.Verify(bytes.NewReader(whole)); err != nil || size.Bytes != int64(len(whole)) || size.Records != uint64(len(contents(t, s))) {
		t.Errorf("the whole: %+v, %v", size, err)
	}
}

// sealed makes a backup of what is between the first line and the number of
// records.
func sealed(body []byte, records uint64) []byte {
	stream := append([]byte("runnel backup 1\n"), body...)
	stream = binary.BigEndian.AppendUint64(append(stream, 'e'), records)
	sum := sha256.Sum256(stream)
	return append(stream, sum[:]...)
}

func record(table, tenant, id, value string) string {
	b := append([]byte{'r', byte(len(table))}, table...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(tenant))), tenant...)
	b = append(binary.BigEndian.AppendUint16(b, uint16(len(id))), id...)
	return string(append(binary.BigEndian.AppendUint32(b, uint32(len(value))), value...))
}

// TestRefusals are of backups whose checksums are right.
func TestRefusals(t *testing.T) {
	one, long := record("tenants", "", "a", "{}"), strings.Repeat("i", store.MaxIDBytes)
	for _, c := range []struct {
		want   string
		stream []byte
	}{
		{`does not begin with "runnel backup 1"`, nil},
		{`does not begin with "runnel backup 1"`, []byte(strings.Repeat("something else", 100))},
		{`a backup of the format "2", and this program reads format 1`, append([]byte("runnel backup 2\n"), make([]byte, 100)...)},
		{"the checksum differs", sealed(nil, 1)},
		{"the checksum differs", sealed([]byte(one), 2)},
		{"it ends after 30 bytes, before its end", sealed([]byte(one), 1)[:30]},
		{`after 30 bytes, record 1: this program knows no table "x"`, sealed([]byte(record("x", "", "a", "{}")), 1)},
		{"record 2: it is not behind the one before", sealed([]byte(one+one), 2)},
		{"record 2: it is not behind the one before", sealed([]byte(record("keys", "a", "a", "")+one), 2)},
		{"record 2: it is not behind the one before", sealed([]byte(record("keys", "b", "a", "")+record("keys", "a", "b", "")), 2)},
		{"record 1: a field of 513 bytes, the most is 512", sealed([]byte(record("keys", long+"i", "a", "")), 1)},
		{"record 1: a field of 513 bytes, the most is 512", sealed([]byte(record("keys", "a", long+"i", "")), 1)},
		{"record 1: store: an id of 0 bytes", sealed([]byte(record("keys", "a", "", "")), 1)},
		{"no plain text", sealed([]byte(record("keys", "a", "b", "\xff")), 1)},
		{"a restore was not finished", sealed([]byte(record("settings", "", "restore", "{}")), 1)},
		{"an unknown tag 0x78", sealed([]byte("x"), 1)},
		{"record 1: a field of 4294967295 bytes, the most is 68157440", sealed([]byte("r\x04keys\x00\x00\x00\x01a\xff\xff\xff\xff"), 1)},
	} {
		target := memory.New()
		_, err := store.Restore(t.Context(), target, bytes.NewReader(c.stream))
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "restore a backup: ") {
			t.Errorf("%.60q: %v, want %q", c.stream, err, c.want)
		}
		if got := contents(t, target); len(got) > 0 {
			t.Errorf("%.60q leaves %v", c.stream, got)
		}
	}
	restore(t, memory.New(), sealed([]byte(record("keys", long, long, "")), 1))
}

// FuzzRestore restores what is between the first line and the checksum: what is
// taken comes out again byte for byte, and what is refused leaves nothing.
func FuzzRestore(f *testing.F) {
	s := memory.New()
	small(f, s)
	whole := backup(f, s)
	f.Add(whole[len("runnel backup 1\n"):len(whole)-9-sha256.Size], uint64(len(contents(f, s))))
	f.Add([]byte(nil), uint64(0))
	f.Add([]byte(record("keys", "a", "b", "")), uint64(1))
	f.Fuzz(func(t *testing.T, body []byte, records uint64) {
		stream, target := sealed(body, records), memory.New()
		_, err := store.Restore(t.Context(), target, bytes.NewReader(stream))
		if err != nil {
			if got := contents(t, target); len(got) > 0 {
				t.Errorf("%v leaves %d records", err, len(got))
			}
			return
		}
		if again := backup(t, target); !bytes.Equal(again, stream) {
			t.Errorf("taken: %q, given back: %q", stream, again)
		}
	})
}

// failing is a writer that fails after so many bytes.
type failing struct{ left int }

var errFull = errors.New("no space left")

func (w *failing) Write(b []byte) (int, error) {
	if w.left -= len(b); w.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

func TestBackupFails(t *testing.T) {
	s := memory.New()
	small(t, s)
	update(t, s, func(tx store.Tx) error { return tx.Put(store.Binaries, "t", "b", make([]byte, 1<<20)) })
	for _, room := range []int{0, 100 << 10, 1 << 20} {
		if err := store.Backup(t.Context(), s, &failing{room}); !errors.Is(err, errFull) {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := store.Backup(ctx, s, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// broken is a stream that ends with what end returns.
type broken struct {
	io.Reader
	end func() error
}

func (b *broken) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if errors.Is(err, io.EOF) {
		err = b.end()
	}
	return n, err
}

// TestUnfinished closes the store in the middle of a restore: it is refused until
// a restore has been finished.
func TestUnfinished(t *testing.T) {
	source := memory.New()
	small(t, source)
	update(t, source, func(tx store.Tx) error {
		return errors.Join(tx.Put(store.Binaries, "t", "a", make([]byte, restoreBatch)), tx.Put(store.Binaries, "t", "b", make([]byte, restoreBatch)))
	})
	stream := backup(t, source)
	path := filepath.Join(t.TempDir(), "runnel.db")
	s, err := bolt.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := errors.New("cut")
	_, err = store.Restore(t.Context(), s, &broken{bytes.NewReader(stream[:len(stream)-100]), func() error { return errors.Join(s.Close(), cut) }})
	if !errors.Is(err, cut) || !errors.Is(err, store.ErrClosed) {
		t.Fatalf("Restore: %v", err)
	}
	if s, err = bolt.Open(path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	if got := len(contents(t, s)); got < 2 {
		t.Errorf("there are %d records: the test is of no use", got)
	}
	if err := store.CheckRestored(t.Context(), s); !errors.Is(err, store.ErrUnfinished) {
		t.Errorf("CheckRestored: %v", err)
	}
	if err := store.Backup(t.Context(), s, io.Discard); !errors.Is(err, store.ErrUnfinished) {
		t.Errorf("Backup: %v", err)
	}
	restore(t, s, stream)
	if err := store.CheckRestored(t.Context(), s); err != nil {
		t.Errorf("CheckRestored: %v", err)
	}
	if !maps.Equal(contents(t, s), contents(t, source)) {
		t.Error("what is restored differs")
	}
}

// restoreBatch is what a restore writes at a time.
const restoreBatch = 8 << 20
