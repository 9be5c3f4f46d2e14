//go:build unix

package bolt

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
)

// mapBytes is how much of the address space is kept for the file. While it fits,
// it can grow while somebody reads; beyond, an Update that needs more room waits
// for all reads, and new ones for it. It takes no memory and nothing of the disk.
const mapBytes = (1 << 36) * (strconv.IntSize / 64) // 64 GiB, where addresses have 64 bits

// syncDirectories makes sure that a file is still found after a power failure.
func syncDirectories(dir string) error {
	for _, d := range []string{dir, filepath.Dir(dir)} {
		f, err := os.Open(d)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}
