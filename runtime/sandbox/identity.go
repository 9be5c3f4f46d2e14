package sandbox

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"

	"github.com/runnel-dev/runnel/runtime/wasm"
)

// programName tells builds of this program apart, by what it was made of and its
// file: code that another rewriter metered or another compiler emitted must not
// be run by this one.
func programName() string {
	name := runtime.Version()
	if info, ok := debug.ReadBuildInfo(); ok {
		name += "\n" + info.String()
	}
	if path, err := os.Executable(); err == nil {
		if file, err := os.Stat(path); err == nil {
			name += fmt.Sprintf("\n%d %d", file.Size(), file.ModTime().UnixNano())
		}
	}
	return name
}

// machineName tells processors apart by the features that wazero makes use of,
// and versions of wazero: it is what wazero calls the code of the empty module.
func machineName(ctx context.Context, w *workspace) (string, error) {
	dir := w.path("machine")
	name, _, err := compileInto(ctx, (&wasm.Module{}).Encode(), dir)
	if err != nil {
		return "", fmt.Errorf("try the compiler: %w", err)
	}
	kinds, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil || len(kinds) == 0 {
		return "", err
	}
	return filepath.Base(kinds[0]) + " " + name, nil
}
