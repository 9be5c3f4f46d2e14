package event

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"
)

// Position is a place in the order of one tenant's events. It is opaque, but
// those of one tenant and bus compare as strings: what was accepted later has
// the greater one. The empty Position lies before everything.
type Position string

// Gap is a part of a tenant's order in which events were lost: behind From, up
// to and with To. The bus does not know on which channels they were.
type Gap struct {
	From, To Position
	// Retention has taken all that is lost: whoever is behind To already has had what there was.
	Retention bool
}

// Retention is what a bus keeps of one tenant's events: the newest that lie
// within all three bounds. What is over one of them goes soon, not at once.
type Retention struct {
	// Bytes counts payloads and what the bus needs beside them.
	Bytes  int64
	Events int64
	Age    time.Duration
	// IDs is for how long an id that a publisher gave is remembered: 0 not at
	// all. The newest MaxIDs are, older ones may be forgotten before.
	IDs time.Duration
}

// Backlog is what a bus has accepted of one tenant and not handed out, as far as this
// node knows of it.
type Backlog struct {
	Events int
	Bytes  int       // as Size counts
	Oldest time.Time // when the first of them was accepted; zero where there are none
	// More tells that there may be others at the source, which this node has not read since
	// it has no room for them.
	More bool
}

// MaxIDs is how many ids of one tenant a bus remembers at least.
const MaxIDs = 100_000

// Errors of buses. They are wrapped with what they concern.
var (
	// ErrFull means that the tenant's events wait for their subscribers, or those of all tenants
	// do: nothing was accepted, and the publisher may try again later; see FullError.
	ErrFull = errors.New("too many events are waiting")
	// ErrConflict means that an event's id was seen with another payload; see
	// ConflictError.
	ErrConflict = errors.New("the id was published with another payload")
	// ErrUnavailable means that the bus can't be reached. Events whose publishing
	// ended so may have been accepted nevertheless: who tries again gives them ids.
	ErrUnavailable = errors.New("the bus can't be reached")
	// ErrClosed means that the bus was closed.
	ErrClosed = errors.New("the bus is closed")
)

// ConflictError tells which event of a batch was refused. It is an ErrConflict.
type ConflictError struct {
	Index       int // in the batch
	Channel, ID string
}

func (e *ConflictError) Error() string {
	return fmt.Sprintf("event %d: id %q on channel %s: %v", e.Index, e.ID, e.Channel, ErrConflict)
}

// Unwrap makes it an ErrConflict.
func (e *ConflictError) Unwrap() error { return ErrConflict }

// BatchError says that a batch has more than may ever wait at once, so that it is of no use to send it
// again as it is.
type BatchError struct {
	Bytes     bool // else events
	Got, Most int
	Limit     string // the tenant's limit that it follows from; empty for what holds of all tenants
}

func (e *BatchError) Error() string {
	what, follows := "events", ""
	if e.Bytes {
		what = fmt.Sprintf("bytes (%d for each event beside its texts)", SizeBeside)
	}
	if e.Limit != "" {
		follows = " under the tenant's limit " + e.Limit
	}
	return fmt.Sprintf("the batch has %d %s, of which at most %d may wait%s: %d too many; send it in parts", e.Got, what, e.Most, follows, e.Got-e.Most)
}

// FullError tells when there will be room again, about. It is an ErrFull.
type FullError struct {
	RetryAfter time.Duration
}

func (e *FullError) Error() string { return ErrFull.Error() }

// Unwrap makes it an ErrFull.
func (e *FullError) Unwrap() error { return ErrFull }

// Page is what Read found.
type Page struct {
	// Gap is what was lost between the position asked for and the first of
	// Events; nil where nothing was.
	Gap    *Gap
	Events []Event
	// Next is where the next Read goes on: behind all that this one saw, be it of
	// other channels, or lost. It is never before the position asked for.
	Next Position
	// More tells that there may be events behind Next already.
	More bool
}

// Sink takes what a bus hands out. Receive, Gap and Skipped are called for one
// tenant one at a time and in the order of positions, but for several tenants
// at once. They return soon after the context of Tail has ended.
type Sink interface {
	// Receive takes an event, which is shared with all who read it. It reports false where
	// Tail's context has ended before all of it was handed out: the next Tail begins with it.
	Receive(e *Event) (taken bool)
	// Gap takes what will not be received any more. A gap that a restart of the
	// bus's server left may be told after later events.
	Gap(tenant string, gap Gap)
	// Skipped takes the position of an entry at the source that is no event, and
	// why. It is told once by each Tail.
	Skipped(tenant string, at Position, reason error)
	// Tenants lists the tenants that there are, with what is kept of their events.
	// A bus asks every few seconds; a tenant that is not listed may be without
	// Tail's events until then.
	Tenants() iter.Seq2[string, Retention]
}

// Bus carries events from publishers to all servers that are on it, and keeps
// them for those who come back. Events of one tenant have one order, in which
// all calls show them. Implementations are safe for concurrent use.
type Bus interface {
	// Publish accepts events of one tenant, all or none, and returns the position
	// of the last. The events must have passed Check; the bus fills in what they
	// lack, and owns them from then on.
	//
	// An event whose id was accepted on its channel within keep.IDs, with the same
	// payload, is accepted and not handed out again; its position is that of the
	// first. With another payload the batch is refused with a *ConflictError.
	//
	// Where a batch has no room among what waits, as MaxWaitingEvents and those beside it say,
	// or the Backlog has More, it is refused with ErrFull. What is accepted is handed out here, whatever
	// retention says and others publish, if Tail reads it within two seconds.
	Publish(ctx context.Context, tenant string, events []Event, keep Retention) (Position, error)

	// Read returns events behind a position in their order, at most max of them
	// and about a megabyte; of the channels named, or of all where channels is nil. It
	// bounds its work, so that a page may be empty while there is More. What Tail
	// has handed out can be read from then on, until retention takes it. After the empty
	// position comes the oldest that is kept, which is no gap.
	Read(ctx context.Context, tenant string, channels []string, after Position, max int) (Page, error)

	// ReadLast returns events of a channel in front of a position, the newest first, at most
	// max of them and about a megabyte. The empty position means the end. There
	// are no more where none is returned.
	ReadLast(ctx context.Context, tenant, channel string, before Position, max int) ([]Event, error)

	// Tail hands every event to sink that was accepted since the bus was opened or,
	// where an earlier Tail has ended, that its sink did not take; until ctx ends, when it
	// returns nil. It rides over failures of what it reads from: what follows is
	// handed out where it went on, or told as a gap. Tenants don't wait for each
	// other. One Tail at a time.
	Tail(ctx context.Context, sink Sink) error

	// Backlog returns what waits of a tenant's events. What Publish has accepted here is in
	// it from then on until Receive has returned; a batch that is being read may count
	// twice.
	Backlog(tenant string) Backlog

	// Start is a position, the same for every tenant, in front of all that Tail
	// hands out. What was accepted before the bus was opened does not lie behind it.
	Start() Position

	// Remove forgets the events and ids of a tenant that is about to be deleted. Nothing is
	// published for it here meanwhile.
	Remove(ctx context.Context, tenant string) error

	// Close frees what the bus holds. Tail has ended before; other calls fail with
	// ErrClosed from then on.
	Close() error
}
