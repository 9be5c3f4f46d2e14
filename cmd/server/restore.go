package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/runnel-dev/runnel/runtime/store"
)

// restore fills the store, which is empty, with a backup. The file is read to its
// end before anything is written.
func restore(ctx context.Context, o options, logger *slog.Logger, stdout io.Writer) (err error) {
	file, err := os.Open(o.restore)
	if err != nil {
		return fmt.Errorf("--restore: %w", err)
	}
	defer func() { _ = file.Close() }() // opened for reading only
	if _, err := store.Verify(file); err != nil {
		return fmt.Errorf("--restore %s: %w", o.restore, err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("--restore: %w", err)
	}
	kept, err := openStorage(ctx, o, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, kept.close()) }()
	size, err := store.Restore(ctx, kept.store, file)
	if err != nil {
		return fmt.Errorf("--restore %s: %w", o.restore, err)
	}
	_, err = fmt.Fprintf(stdout, "restored %d records of %d bytes; start the server without --restore\n", size.Records, size.Bytes)
	return err
}
