// Package telemetry keeps what tells how a server, its tenants and their modules
// fare: metrics, and the last lines of logs. It is the only importer of
// Prometheus' client.
package telemetry

import (
	"errors"
	"math/bits"
	"sync"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/tenant"
)

// ErrFollowers means that as many follow a tenant's log as may.
var ErrFollowers = errors.New("too many follow the log")

// Line is one line of a tenant's log.
type Line struct {
	Time   time.Time
	Level  abi.LogLevel
	Module string
	Digest string
	// Event is the id of the event or request; empty for what a start logs.
	Event string
	// Incident is what subscribers see of the fault that the line is about; empty
	// for what the module logs itself.
	Incident string
	// Text is any text as it is given to Add. What is kept is valid UTF-8 with its
	// control characters escaped.
	Text string
	// Truncated tells that Text is a beginning.
	Truncated bool
}

// lineBytes is what a kept line counts beside its text and the ids in it.
const lineBytes = 160

func (l *Line) bytes() int { return lineBytes + len(l.Text) + len(l.Event) + len(l.Incident) }

// LogConfig bounds Logs. Zeros stand for the defaults.
type LogConfig struct {
	Lines      int // kept of one tenant; 1,000
	Bytes      int // kept of one tenant; 256 KiB
	TotalBytes int // kept of all tenants; 64 MiB
	Followers  int // of one tenant; 16
}

// Logs keeps the last log lines of each tenant, in memory. It is safe for
// concurrent use.
type Logs struct {
	config LogConfig

	mu struct {
		sync.RWMutex
		tenants map[*tenant.Tenant]*Log
		share   int // of each
		closed  bool
	}
}

// NewLogs returns Logs without lines.
func NewLogs(config LogConfig) *Logs {
	for _, d := range []struct {
		field *int
		value int
	}{{&config.Lines, 1000}, {&config.Bytes, 256 << 10}, {&config.TotalBytes, 64 << 20}, {&config.Followers, 16}} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	l := &Logs{config: config}
	l.mu.tenants = map[*tenant.Tenant]*Log{}
	return l
}

// Of returns the log of a tenant. That of one which was deleted keeps nothing.
func (l *Logs) Of(t *tenant.Tenant) *Log {
	l.mu.RLock()
	log := l.mu.tenants[t]
	l.mu.RUnlock()
	if log != nil {
		return log
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if log = l.mu.tenants[t]; log != nil {
		return log
	}
	log = newLog(l.config)
	if l.mu.closed || gone(t) { // nothing would remove it
		log.close()
		return log
	}
	l.mu.tenants[t] = log
	l.share()
	log.limit(l.mu.share)
	return log
}

func gone(t *tenant.Tenant) bool {
	select {
	case <-t.Gone():
		return true
	default:
		return false
	}
}

// share gives each tenant's log the bytes that it may have, so that no tenant
// makes another's lines go. Shares halve when there are twice as many, so that a
// new tenant seldom costs the others anything. The caller holds mu.
func (l *Logs) share() {
	shares := 1 << bits.Len(uint(max(len(l.mu.tenants)-1, 0)))
	share := min(l.config.Bytes, l.config.TotalBytes/shares)
	if share == l.mu.share {
		return
	}
	l.mu.share = share
	for _, log := range l.mu.tenants {
		log.limit(share)
	}
}

// Remove forgets the log of a tenant that was deleted from its directory, and
// ends those who follow it.
func (l *Logs) Remove(t *tenant.Tenant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if log := l.mu.tenants[t]; log != nil {
		log.close()
		delete(l.mu.tenants, t)
		l.share()
	}
}

// Close forgets all logs and ends those who follow them. Later lines are dropped.
func (l *Logs) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.closed = true
	for t, log := range l.mu.tenants {
		log.close()
		delete(l.mu.tenants, t)
	}
}
