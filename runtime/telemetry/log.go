package telemetry

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

// Log holds the last lines of one tenant's modules, on this node. It is safe for
// concurrent use.
type Log struct {
	config LogConfig
	id     string // tells this log from others that had the tenant's lines, on other nodes or before

	mu struct {
		sync.Mutex
		lines     []Line
		first     int64 // number of lines[0]; the first ever has 0
		bytes     int
		share     int // that bytes may be
		followers int
		wake      chan struct{} // closed by the next line; nil while nobody waits
		closed    bool
	}
}

func newLog(config LogConfig) *Log { return &Log{config: config, id: rand.Text()} }

// Add keeps a line, with the time of the call where it has none, and drops the
// oldest ones for it. It never waits for followers.
func (l *Log) Add(line Line) {
	if line.Time.IsZero() {
		line.Time = time.Now()
	}
	line.Text, line.Event = escape(line.Text), escape(line.Event)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.closed {
		return
	}
	if most := maxText(l.mu.share); len(line.Text) > most {
		line.Text, line.Truncated = cut(line.Text, most), true
	}
	l.mu.lines = append(l.mu.lines, line)
	l.mu.bytes += line.bytes()
	l.dropLocked()
	l.wakeLocked()
}

// maxText is how long a line may be, so that it takes no more than a quarter of
// the log's share.
func maxText(share int) int { return max(share/4-lineBytes, 64) }

// dropLocked drops the oldest lines over the limits.
func (l *Log) dropLocked() {
	n := 0
	for ; n < len(l.mu.lines) && (len(l.mu.lines)-n > l.config.Lines || l.mu.bytes > l.mu.share); n++ {
		l.mu.bytes -= l.mu.lines[n].bytes()
		l.mu.lines[n] = Line{} // its texts are not kept by the array
	}
	l.mu.lines = l.mu.lines[n:]
	l.mu.first += int64(n)
}

func (l *Log) wakeLocked() {
	if l.mu.wake != nil {
		close(l.mu.wake)
		l.mu.wake = nil
	}
}

// limit gives the log its share.
func (l *Log) limit(share int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.share = share
	l.dropLocked()
	l.mu.lines = slices.Clone(l.mu.lines) // the array may have room for many more
}

func (l *Log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.closed, l.mu.lines = true, nil
	l.wakeLocked()
}

// Lines returns what is kept, the oldest first. The caller owns the slice.
func (l *Log) Lines() []Line {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.mu.lines)
}
