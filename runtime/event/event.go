// Package event is what the server knows of events and of the buses that carry
// them. Drivers lie in the packages below it; eventtest holds the suite that
// each of them passes.
package event

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

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
	// Position is where it lies in the order of its tenant; the bus sets it.
	Position Position
}

// MaxIDBytes bounds the id of an event.
const MaxIDBytes = 200

// MaxPayloadBytes bounds the payload of an event, whoever publishes it and whatever
// the tenant's limit eventBytes is, which cannot be more.
const MaxPayloadBytes = 8 << 20

// Check judges what a publisher gives: the channel's name, the id, which is UTF-8
// without control characters, and the payload, which must be strict JSON of at most MaxPayloadBytes (no duplicate keys, valid UTF-8, at most
// 64 levels). A bad payload gives an error that wraps *jsondoc.SyntaxError.
func Check(channel, id string, payload []byte) error {
	if !abi.ValidChannel(channel) {
		return fmt.Errorf("channel %q: 1 to 200 of the characters A-Z a-z 0-9 _ . : - are allowed", channel)
	}
	if err := CheckID(id); err != nil {
		return err
	}
	if len(payload) > MaxPayloadBytes {
		return fmt.Errorf("payload of %d bytes: at most %d are allowed", len(payload), MaxPayloadBytes)
	}
	d := documents.Get().(*jsondoc.Document)
	err := d.Parse(payload, jsondoc.Options{})
	if d.Text = nil; cap(d.Nodes) <= keepNodes {
		documents.Put(d)
	}
	if err != nil {
		return fmt.Errorf("payload: %w", err)
	}
	return nil
}

// documents are for Check, unless they grew beyond keepNodes.
var documents = sync.Pool{New: func() any { return new(jsondoc.Document) }}

const keepNodes = 1 << 10

// CheckID judges the id as Check does.
func CheckID(id string) error {
	switch {
	case len(id) > MaxIDBytes:
		return fmt.Errorf("id of %d bytes: at most %d are allowed", len(id), MaxIDBytes)
	case !utf8.ValidString(id):
		return fmt.Errorf("id %q: it is no UTF-8", id)
	case strings.ContainsFunc(id, unicode.IsControl):
		return fmt.Errorf("id %q: no control characters are allowed", id)
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

// SizeBeside is what an event takes in memory beside its texts, about.
const SizeBeside = 256

// Size is what an event counts of MaxWaitingBytes.
func Size(e *Event) int { return len(e.Payload) + len(e.Channel) + len(e.ID) + SizeBeside }
