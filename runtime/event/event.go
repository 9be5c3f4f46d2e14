// Package event is what the server knows of events and of the buses that carry
// them. Drivers lie in the packages below it; eventtest holds the suite that
// each of them passes.
package event

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/runnel-dev/runnel/abi"
	"github.com/runnel-dev/runnel/runtime/jsondoc"
)

// Event is something that happened, on a channel of a tenant. An event that
// was accepted is immutable and shared by everyone who handles it.
type Event struct {
	Tenant  string
	Channel string
	// ID is the publisher's, or one that the bus gave.
	ID string
	// Payload is one JSON value as Check accepts it.
	Payload []byte
	// Time is when the bus accepted the event: UTC, whole milliseconds.
	Time time.Time
}

// MaxIDBytes bounds the id of an event.
const MaxIDBytes = 200

// Errors of buses. They are wrapped with what they concern.
var (
	// ErrFull means that the tenant's events wait for their subscribers: nothing
	// was accepted, and the publisher may try again later.
	ErrFull = errors.New("too many events are waiting")
	// ErrClosed means that the bus was closed.
	ErrClosed = errors.New("the bus is closed")
)

// Bus carries events from publishers to this server. Implementations are safe
// for concurrent use.
type Bus interface {
	// Publish accepts events of one tenant, all or none, and returns the position
	// behind the last. The events must have passed Check; the bus fills in the
	// tenant, the time, and an id where there is none, and owns them from then on.
	Publish(ctx context.Context, tenant string, events []Event) (cursor string, err error)
	// Tail hands every event that is accepted from now on to receive, until ctx
	// ends; it then returns nil. The events of one channel come one at a time and
	// in the order of acceptance; tenants don't wait for each other. One Tail at a
	// time.
	Tail(ctx context.Context, receive func(*Event)) error
}

// Check judges what a publisher gives: the channel's name, the id and the
// payload, which must be strict JSON (no duplicate keys, valid UTF-8, at most
// 64 levels). A bad payload gives an error that wraps *jsondoc.SyntaxError.
func Check(channel, id string, payload []byte) error {
	if !abi.ValidChannel(channel) {
		return fmt.Errorf("channel %q: 1 to 200 of the characters A-Z a-z 0-9 _ . : - are allowed", channel)
	}
	if len(id) > MaxIDBytes {
		return fmt.Errorf("id of %d bytes: at most %d are allowed", len(id), MaxIDBytes)
	}
	var d jsondoc.Document
	if err := d.Parse(payload, jsondoc.Options{}); err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	return nil
}

// AppendMeta appends the meta input of a run for the event: {id, channel, time}.
func (e *Event) AppendMeta(dst []byte) []byte {
	dst = append(dst, `{"id":`...)
	dst = jsondoc.AppendQuoted(dst, e.ID)
	dst = append(dst, `,"channel":`...)
	dst = jsondoc.AppendQuoted(dst, e.Channel)
	dst = append(dst, `,"time":"`...)
	dst = AppendTime(dst, e.Time)
	return append(dst, `"}`...)
}

// AppendTime appends a time as guests see it: RFC 3339, UTC, milliseconds.
func AppendTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05.000Z")
}
