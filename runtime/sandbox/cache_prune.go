package sandbox

import (
	"io/fs"
	"slices"
	"time"
)

// storedEntry is an entry that pruning considers.
type storedEntry struct {
	name string
	size int64
	used time.Time
}

// prune removes the entries that were not used for the longest time, until
// those that no Engine has modules of fit the limit with some room. Entries in
// use are not counted: how many those are is the registry's to bound.
func (c *cache) prune() {
	var idle int64
	var entries []storedEntry
	listed, err := fs.ReadDir(c.root.FS(), entriesDir)
	if err != nil {
		c.logger.Error("list the code cache", "error", err)
		return
	}
	for _, e := range listed {
		info, err := e.Info()
		if err != nil {
			continue // another Engine removed it
		}
		if links(info) > 1 {
			continue
		}
		idle += info.Size()
		entries = append(entries, storedEntry{entriesDir + "/" + e.Name(), info.Size(), info.ModTime()})
	}
	if idle > c.limit {
		slices.SortFunc(entries, func(a, b storedEntry) int { return a.used.Compare(b.used) })
		idle = c.remove(entries, idle, c.limit/8*7)
	}
	c.idle.Store(idle)
}

// remove deletes entries in their order until no more than keep bytes are left.
func (c *cache) remove(entries []storedEntry, idle, keep int64) int64 {
	for _, e := range entries {
		if idle <= keep {
			break
		}
		if err := c.root.Remove(e.name); err == nil {
			idle -= e.size
		}
	}
	return idle
}
