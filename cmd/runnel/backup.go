package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/runnel-dev/runnel/runtime/store"
)

var backupEntry = entry{
	name: "backup", operands: "FILE", summary: "write all that a server keeps into a file",
	detail: `Asks for tenants, keys, modules and the audit log as they are at one moment, while
the server serves, checks that all came, and gives FILE, which may be there
already, its name last. It takes the admin token. runnel-server --restore FILE
fills an empty store with it. The file holds the secrets of tenants: keep it as you
keep them.
`,
	make: func() command { return new(backup) },
}

// backup fetches a backup.
type backup struct {
	remote
	file string
}

func (c *backup) accept(positionals []string) error {
	if err := exactly(positionals, "FILE"); err != nil {
		return err
	}
	c.file = positionals[0]
	return c.resolve()
}

func (c *backup) run(ctx context.Context, std streams) error {
	// Beside the file, so that it can be given its name in one step. Mode 0600.
	part, err := os.CreateTemp(filepath.Dir(c.file), filepath.Base(c.file)+".*.part")
	if err != nil {
		return err
	}
	size, err := c.fetch(ctx, part)
	err = errors.Join(err, part.Close())
	if err == nil {
		err = os.Rename(part.Name(), c.file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(part.Name()))
	}
	if std.json {
		return printLine(std.out, marshal(struct {
			File    string `json:"file"`
			Records uint64 `json:"records"`
			Bytes   int64  `json:"bytes"`
		}{c.file, size.Records, size.Bytes}))
	}
	_, err = fmt.Fprintf(std.out, "%s: %d records, %d bytes\n", terminalText(c.file), size.Records, size.Bytes)
	return err
}

// fetch writes the backup and checks it.
func (c *backup) fetch(ctx context.Context, file *os.File) (size store.BackupSize, err error) {
	target := c.base.JoinPath("v1", "backup")
	err = c.stream(ctx, target, "application/octet-stream", func(answer io.Reader) error {
		if size, err = store.Verify(io.TeeReader(answer, file)); err != nil {
			return fmt.Errorf("the answer of %s: %w", target, err)
		}
		return file.Sync()
	})
	return size, err
}
