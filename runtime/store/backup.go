package store

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
)

// A backup is a line that says what it is; records in the order of tables,
// tenants and ids, each a tag, the table, the tenant, the id and the value behind their
// lengths; and a tag, the number of records and the SHA-256 of all before it. It
// is the same for every engine.
const (
	backupMagic = "runnel backup 1\n"
	tagRecord   = 'r'
	tagEnd      = 'e'
)

// ErrDamaged is in the errors of backups that are not whole. Callers ask with
// errors.Is.
var ErrDamaged = errors.New("the backup is damaged")

// BackupSize is what there is in a backup.
type BackupSize struct {
	Records uint64
	Bytes   int64
}

// Backup writes all that the store has, as it is at one moment, while it is in
// use. It holds a page of records in memory, or one binary. What it has written is
// of use when it has returned nil: before, the end is missing, which Verify and Restore
// tell. It has digests of keys and the secrets of tenants: who has it must keep it.
func Backup(ctx context.Context, s Store, w io.Writer) error {
	out := &backupWriter{w: bufio.NewWriterSize(w, 64<<10), sum: sha256.New()}
	err := s.View(ctx, func(tx Tx) error {
		if err := checkRestored(tx); err != nil {
			return err
		}
		out.write([]byte(backupMagic))
		for _, table := range Tables() {
			if err := out.table(ctx, tx, table); err != nil {
				return err
			}
		}
		return out.end()
	})
	if err != nil {
		return fmt.Errorf("back up the store: %w", err)
	}
	return nil
}

type backupWriter struct {
	w       *bufio.Writer
	sum     hash.Hash
	records uint64
	err     error // the first of writing
}

func (out *backupWriter) write(b []byte) {
	out.sum.Write(b)
	if out.err == nil {
		_, out.err = out.w.Write(b)
	}
}

func (out *backupWriter) table(ctx context.Context, tx Tx, table Table) error {
	return eachTenant(tx, table, func(tenant string) error {
		limit := 100
		if table == Binaries {
			limit = 1
		}
		for after, more := "", true; more; {
			if err := ctx.Err(); err != nil {
				return err
			}
			records, err := tx.Scan(table, tenant, after, limit)
			if err != nil {
				return err
			}
			for _, r := range records {
				out.record(table, tenant, r)
				after = r.ID
			}
			if out.err != nil {
				return out.err
			}
			more = len(records) == limit
		}
		return nil
	})
}

// eachTenant calls f with "" and all tenants that have records.
func eachTenant(tx Tx, table Table, f func(tenant string) error) error {
	tenants, after := []string{""}, ""
	for len(tenants) > 0 {
		for _, tenant := range tenants {
			if err := f(tenant); err != nil {
				return err
			}
			after = tenant
		}
		var err error
		if tenants, err = tx.Tenants(table, after, 1000); err != nil {
			return err
		}
	}
	return nil
}

func (out *backupWriter) record(table Table, tenant string, r Record) {
	head := append([]byte{tagRecord, byte(len(table))}, table...)
	head = append(binary.BigEndian.AppendUint16(head, uint16(len(tenant))), tenant...)
	head = append(binary.BigEndian.AppendUint16(head, uint16(len(r.ID))), r.ID...)
	out.write(binary.BigEndian.AppendUint32(head, uint32(len(r.Value))))
	out.write(r.Value)
	out.records++
}

func (out *backupWriter) end() error {
	out.write(binary.BigEndian.AppendUint64([]byte{tagEnd}, out.records))
	out.write(out.sum.Sum(nil))
	if out.err == nil {
		out.err = out.w.Flush()
	}
	return out.err
}

// Verify reads a backup to its end and says whether it is whole, with an error
// that says what is wrong.
func Verify(r io.Reader) (BackupSize, error) {
	in := newBackupReader(r)
	for {
		if _, err := in.next(); errors.Is(err, io.EOF) {
			return BackupSize{in.records, in.bytes}, nil
		} else if err != nil {
			return BackupSize{}, fmt.Errorf("read the backup: %w", err)
		}
	}
}

// backupRecord is a record with where it belongs.
type backupRecord struct {
	table  Table
	tenant string
	Record
}

// compare orders records as they are in a backup.
func (r *backupRecord) compare(other *backupRecord) int {
	return cmp.Or(
		cmp.Compare(slices.Index(Tables(), r.table), slices.Index(Tables(), other.table)),
		cmp.Compare(r.tenant, other.tenant),
		cmp.Compare(r.ID, other.ID),
	)
}

type backupReader struct {
	r       *bufio.Reader
	sum     hash.Hash
	bytes   int64
	records uint64
	last    *backupRecord // without its value
}

func newBackupReader(r io.Reader) *backupReader {
	return &backupReader{r: bufio.NewReaderSize(r, 64<<10), sum: sha256.New()}
}

// read reads n bytes, which the caller has bounded. It takes memory as they come.
func (in *backupReader) read(n int) ([]byte, error) {
	var b bytes.Buffer
	read, err := io.CopyN(&b, in.r, int64(n))
	in.bytes += read
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%w: it ends after %d bytes, before its end", ErrDamaged, in.bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("after %d bytes: %w", in.bytes, err)
	}
	in.sum.Write(b.Bytes())
	return b.Bytes(), nil
}

// field reads bytes behind their number, which has size bytes itself.
func (in *backupReader) field(size, limit int) ([]byte, error) {
	number, err := in.read(size)
	if err != nil {
		return nil, err
	}
	n := 0
	for _, b := range number {
		n = n<<8 | int(b)
	}
	if n > limit {
		return nil, in.damaged(fmt.Sprintf("a field of %d bytes, the most is %d", n, limit))
	}
	return in.read(n)
}

func (in *backupReader) damaged(what string) error {
	return fmt.Errorf("%w: after %d bytes, record %d: %s", ErrDamaged, in.bytes, in.records+1, what)
}

// next returns the next record, and io.EOF when all have come and the backup is
// whole.
func (in *backupReader) next() (*backupRecord, error) {
	if in.bytes == 0 {
		if err := in.begin(); err != nil {
			return nil, err
		}
	}
	tag, err := in.read(1)
	if err != nil {
		return nil, err
	}
	switch tag[0] {
	case tagRecord:
		return in.record()
	case tagEnd:
		return nil, in.end()
	}
	return nil, in.damaged(fmt.Sprintf("an unknown tag 0x%02x", tag[0]))
}

func (in *backupReader) begin() error {
	text, err := in.r.Peek(len(backupMagic))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	got, _, _ := bytes.Cut(text, []byte("\n"))
	if version, ok := bytes.CutPrefix(got, []byte("runnel backup ")); string(text) != backupMagic && ok && len(text) == len(backupMagic) {
		return fmt.Errorf("it is a backup of the format %q, and this program reads format 1", version)
	} else if string(text) != backupMagic {
		return fmt.Errorf("%w: it does not begin with %q", ErrDamaged, backupMagic[:len(backupMagic)-1])
	}
	_, err = in.read(len(backupMagic))
	return err
}

func (in *backupReader) record() (*backupRecord, error) {
	var fields [4][]byte
	for i, bounds := range [4]struct{ size, limit int }{{1, 255}, {2, MaxIDBytes}, {2, MaxIDBytes}, {4, MaxValueBytes}} {
		var err error
		if fields[i], err = in.field(bounds.size, bounds.limit); err != nil {
			return nil, err
		}
	}
	r := &backupRecord{Table(fields[0]), string(fields[1]), Record{string(fields[2]), fields[3]}}
	if !slices.Contains(Tables(), r.table) {
		return nil, in.damaged(fmt.Sprintf("this program knows no table %q, or the backup is of a later version", r.table))
	}
	if err := CheckRecord(r.table, r.tenant, r.ID, r.Value); err != nil {
		return nil, in.damaged(err.Error())
	}
	if in.last != nil && r.compare(in.last) <= 0 {
		return nil, in.damaged("it is not behind the one before")
	}
	in.last = &backupRecord{r.table, r.tenant, Record{ID: r.ID}}
	in.records++
	return r, nil
}

// end checks the trailer. It returns io.EOF where all is well.
func (in *backupReader) end() error {
	count, err := in.read(8)
	if err != nil {
		return err
	}
	want := in.sum.Sum(nil)
	got, err := in.read(len(want))
	if err != nil {
		return err
	}
	if binary.BigEndian.Uint64(count) != in.records || !bytes.Equal(got, want) {
		return fmt.Errorf("%w: its %d records are not those that were written: the checksum differs", ErrDamaged, in.records)
	}
	switch _, err := in.r.ReadByte(); {
	case errors.Is(err, io.EOF):
		return io.EOF
	case err != nil:
		return err
	}
	return fmt.Errorf("%w: there is more behind its end, after %d bytes", ErrDamaged, in.bytes)
}
