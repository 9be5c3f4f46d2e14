package bench

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
)

// Machine names where a table was measured, with the versions of the modules
// whose paths begin with one of the prefixes.
func Machine(prefixes ...string) string {
	parts := []string{runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH, fmt.Sprintf("%d processors", runtime.GOMAXPROCS(0))}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return strings.Join(parts, ", ")
	}
	for _, d := range info.Deps {
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(d.Path, prefix) }) {
			parts = append(parts, strings.TrimPrefix(d.Path, "github.com/")+" "+d.Version)
		}
	}
	return strings.Join(parts, ", ")
}
