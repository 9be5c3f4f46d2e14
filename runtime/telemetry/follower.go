package telemetry

import (
	"context"
	"io"
	"slices"
	"strconv"
	"strings"
)

// maxBatch is how many lines Next returns at once.
const maxBatch = 64

// Follower reads a log line by line, the kept ones first. What it has not read
// when the log drops it is missed, and counted: a slow follower holds nothing up
// and takes no memory. It is for one goroutine.
type Follower struct {
	log  *Log
	last int64 // number of the first line that Next returned last
	at   int64 // number of the next one
}

// Follow returns a follower, which must be closed, or ErrFollowers. It begins
// behind the line that after is the Position of; where that is of another log,
// or none, with the first line that is kept.
func (l *Log) Follow(after string) (*Follower, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.followers >= l.config.Followers {
		return nil, ErrFollowers
	}
	l.mu.followers++
	f := &Follower{log: l, at: l.mu.first}
	if number, ok := strings.CutPrefix(after, l.id+"-"); ok {
		next := l.mu.first + int64(len(l.mu.lines))
		if n, err := strconv.ParseInt(number, 10, 64); err == nil && 0 <= n && n < next {
			f.at = n + 1
		}
	}
	return f, nil
}

// Position names the place of line i of those that Next returned last.
func (f *Follower) Position(i int) string {
	return f.log.id + "-" + strconv.FormatInt(f.last+int64(i), 10)
}

// Next waits for lines and returns some, with the number of those before them
// that were missed; there may be missed ones alone. io.EOF means that the tenant
// was deleted or the server ends. Other errors are those of ctx.
func (f *Follower) Next(ctx context.Context) (lines []Line, missed int64, err error) {
	for {
		lines, missed, wake := f.take()
		if lines != nil || missed > 0 {
			return lines, missed, nil
		}
		if wake == nil {
			return nil, 0, io.EOF
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, 0, context.Cause(ctx)
		}
	}
}

// take returns what is there. Where that is nothing, wake is closed with the
// next line, and nil where none will follow.
func (f *Follower) take() (lines []Line, missed int64, wake <-chan struct{}) {
	l := f.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.closed {
		return nil, 0, nil
	}
	missed = max(l.mu.first-f.at, 0)
	f.at += missed
	f.last = f.at
	if waiting := l.mu.lines[f.at-l.mu.first:]; len(waiting) > 0 {
		lines = slices.Clone(waiting[:min(len(waiting), maxBatch)])
		f.at += int64(len(lines))
	}
	if l.mu.wake == nil {
		l.mu.wake = make(chan struct{})
	}
	return lines, missed, l.mu.wake
}

// Close gives the follower's place to another.
func (f *Follower) Close() {
	f.log.mu.Lock()
	defer f.log.mu.Unlock()
	f.log.mu.followers--
}
